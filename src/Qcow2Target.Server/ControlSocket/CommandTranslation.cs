using Qcow2Target.Actors;
using Qcow2Target.Actors.Disks;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Control.Errors;
using Qcow2Target.Control.Replies;
using Qcow2Target.Control.Requests;
using Qcow2Target.Iscsi.Chap;
using Qcow2Target.Qcow2.Check;
using Qcow2Target.Qcow2.Pending;
using Qcow2Target.Scsi;
using ImageAccess = Qcow2Target.Qcow2.Image.ImageAccess;

namespace Qcow2Target.Server.ControlSocket;

/// <summary>The one place where requests of the contract become commands of the actors, and their answers replies of the contract.</summary>
internal static class CommandTranslation
{
    public static ITargetManagerCommand CommandOf(ControlRequest request) => request switch
    {
        AttachRequest attach => new AttachDisk(
            new TargetName(attach.TargetName),
            attach.DiskPath,
            (int?)attach.LunId,
            attach.Serial,
            attach.Access == DiskAccess.ReadOnly ? ImageAccess.ReadOnly : ImageAccess.ReadWrite,
            attach.Zeroes == ZeroPolicy.Unmap ? ZeroDetection.On : ZeroDetection.Off,
            PolicyOf(attach.Pending),
            new DiskFlavour(attach.Medium == DiskMedium.Removable ? MediumKind.Removable : MediumKind.Fixed, (int?)attach.PhysicalBlockSize)),
        DetachLunRequest detach => new DetachDisk(new TargetName(detach.TargetName), (int)detach.LunId, ConnectedInitiators.Refuse, PolicyOf(detach.Flush)),
        AddTargetRequest add => new AddTarget(new TargetName(add.TargetName), add.Access is { } access ? ChangeOf(access) : null),
        SetAccessRequest set => new ChangeAccess(new TargetName(set.TargetName), ChangeOf(set.Access)),
        DeleteTargetRequest delete => new DeleteTarget(new TargetName(delete.TargetName), PolicyOf(delete.Sessions)),
        ClearTargetRequest clear => new ClearTarget(new TargetName(clear.TargetName), PolicyOf(clear.Sessions), PolicyOf(clear.Flush)),
        ResizeRequest resize => new ResizeDisk(new TargetName(resize.TargetName), (int)resize.LunId, resize.Size),
        CheckDiskRequest check => new CheckDisk(new TargetName(check.TargetName), (int)check.LunId),
        ListRequest list => new ListTargets(list.TargetName is { } name ? new TargetName(name) : null),
        _ => throw new ArgumentOutOfRangeException(nameof(request), request.Type, "is no request of the contract"),
    };

    /// <summary>Whether the target exists, for a request whose values are wrong: that is judged first.</summary>
    public static ListTargets? TargetLookUpOf(ControlRequest request) => request switch
    {
        AttachRequest attach => new ListTargets(new TargetName(attach.TargetName)),
        DetachLunRequest detach => new ListTargets(new TargetName(detach.TargetName)),
        ResizeRequest resize => new ListTargets(new TargetName(resize.TargetName)),
        CheckDiskRequest check => new ListTargets(new TargetName(check.TargetName)),
        SetAccessRequest set => new ListTargets(new TargetName(set.TargetName)),
        _ => null,
    };

    public static ControlReply ReplyOf(ControlRequest request, object answer, TimeSpan deadline) => answer switch
    {
        DiskAttached attached => new AttachReply(attached.Lun),
        DiskDetached detached => new DetachLunReply(detached.Path),
        TargetCleared cleared => new ClearTargetReply(cleared.Paths),
        DiskResized resized => new ResizeReply(resized.CapacityBytes),
        DiskChecked found => ReplyOf(found.Report),
        TargetAdded or TargetDeleted or AccessChanged => EmptyReply.Instance,
        TargetList list when request is ListRequest asked => new ListReply([.. list.Targets.Select(ListingOf)], asked.Detail),
        CommandRefused refused => new FailureReply(ErrorOf(request, refused, deadline)),
        _ => new FailureReply(ControlErrors.Internal($"unexpected answer {answer.GetType().Name}")),
    };

    private static TargetListing ListingOf(TargetView target) => new(
        target.Name.Shown,
        target.Id,
        [.. target.LogicalUnits.Select(ListingOf)],
        [.. target.Nexuses.Select(n => n.Identify(target.Name))],
        ListingOf(target.Access),
        [.. target.Nexuses.Where(n => n.Responsiveness == Responsiveness.Unresponsive).Select(n => n.Identify(target.Name))]);

    private static AccessListing? ListingOf(AccessRules rules) => rules.AreOpen
        ? null
        : new AccessListing([.. rules.Chap.Select(user => user.Name)], [.. rules.MutualChap.Select(user => user.Name)], rules.Initiators, rules.Networks);

    private static LunListing ListingOf(LogicalUnitView unit) => new(unit.Lun, unit.Path, StateOf(unit), new LunDetails(
        Serial: unit.SerialNumber,
        SizeBytes: unit.CapacityBytes > 0 ? unit.CapacityBytes : null,
        StateReason: unit.Reason,
        BackingPaths: unit.BackingPaths.Count > 0 ? unit.BackingPaths : null,
        ReadOnly: unit.Access == ImageAccess.ReadOnly ? true : null,
        DetectsZeroes: unit.ZeroDetection == ZeroDetection.On ? true : null,
        Removable: unit.Flavour.Medium == MediumKind.Removable ? true : null,
        PhysicalBlockSize: unit.Flavour.PhysicalBlockBytes));

    private static LunState StateOf(LogicalUnitView unit) => unit.Readiness switch
    {
        DiskReadiness.Ready => LunState.Ready,
        DiskReadiness.WriteProtected => LunState.WriteProtected,
        DiskReadiness.Opening => LunState.Opening,
        DiskReadiness.Recovering when unit.CapacityBytes == 0 => LunState.Degraded,
        DiskReadiness.Recovering => LunState.Recovering,
        _ => LunState.Detaching,
    };

    private static ControlError ErrorOf(ControlRequest request, CommandRefused refused, TimeSpan deadline) => refused.Reason switch
    {
        RefusalReason.TargetDoesNotExist => ControlErrors.TargetNotFound(refused.Subject),
        RefusalReason.TargetAlreadyExists => ControlErrors.TargetExists(refused.Subject),
        RefusalReason.LogicalUnitNotFound => ControlErrors.LunNotFound(refused.Subject, LunIdOf(request)),
        RefusalReason.LogicalUnitExists => ControlErrors.LunIdInUse(refused.Subject, LunIdOf(request)),
        RefusalReason.LogicalUnitNotReady => ControlErrors.LunNotReady(refused.Subject, LunIdOf(request), refused.Explanation),
        RefusalReason.SerialNumberInUse => ControlErrors.SerialInUse(refused.Subject, refused.Explanation),
        RefusalReason.TargetHasActiveConnection => ControlErrors.ClearWhileConnected(refused.Subject),
        RefusalReason.TargetHasActiveConnections => ControlErrors.DeleteWhileConnected(refused.Subject),
        RefusalReason.TargetHasLogicalUnits => ControlErrors.DeleteWithLuns(refused.Subject),
        RefusalReason.AccessContradicts => ControlErrors.InvalidAccess(refused.Explanation),
        RefusalReason.TooManyTargets => ControlErrors.LimitExceeded(refused.Subject, ActorLimits.Targets),
        RefusalReason.TooManyLogicalUnits => ControlErrors.LimitExceeded(refused.Subject, ActorLimits.LunsOfTarget),
        RefusalReason.DiskPathRefused => ControlErrors.InvalidDiskPath(refused.Subject, refused.Explanation),
        RefusalReason.DiskNotFound => ControlErrors.DiskNotFound(refused.Subject),
        RefusalReason.DiskInUse => ControlErrors.DiskInUse(refused.Subject, refused.Explanation),
        RefusalReason.DiskUnsupported => ControlErrors.DiskUnsupported(refused.Subject, refused.Explanation),
        RefusalReason.DiskPending => ControlErrors.DiskPending(refused.Subject, refused.Explanation),
        RefusalReason.DiskDamaged => ControlErrors.DiskCorrupt(refused.Subject, refused.Explanation),
        RefusalReason.DiskFault => ControlErrors.DiskIo(refused.Subject, refused.Explanation),
        RefusalReason.DiskFull => ControlErrors.DiskFull(refused.Subject, refused.Explanation),
        RefusalReason.DiskReadOnly => ControlErrors.DiskReadOnly(refused.Subject, refused.Explanation),
        RefusalReason.DiskCannotShrink => ControlErrors.CannotShrink(refused.Subject, refused.Explanation),
        RefusalReason.DiskTooLarge => ControlErrors.DiskTooLarge(refused.Subject, refused.Explanation),
        RefusalReason.Detaching => ControlErrors.Detaching(refused.Subject, "its data to reach the disk"),
        RefusalReason.Deadline => ControlErrors.DeadlineExceeded(refused.Subject, deadline),
        RefusalReason.StateNotSaved => ControlErrors.StateNotSaved(refused.Explanation),
        RefusalReason.ShuttingDown => ControlErrors.ShuttingDown(),
        _ => ControlErrors.Internal(refused.Explanation),
    };

    private static long LunIdOf(ControlRequest request) => request switch
    {
        AttachRequest attach => attach.LunId ?? 0,
        DetachLunRequest detach => detach.LunId,
        ResizeRequest resize => resize.LunId,
        CheckDiskRequest check => check.LunId,
        _ => 0,
    };

    private static CheckReply ReplyOf(CheckReport report) =>
        new(report.Verdict, report.Errors, report.Leaks, report.Describe(CheckReply.MaxFindings));

    private static AccessChange ChangeOf(AccessConditions access) => new(UsersOf(access.Chap), UsersOf(access.MutualChap), access.Initiators, access.Networks);

    private static IReadOnlyList<ChapCredentials>? UsersOf(IReadOnlyList<ChapUser>? users) =>
        users is null ? null : [.. users.Select(user => new ChapCredentials(user.Name, user.Secret))];

    private static ConnectedInitiators PolicyOf(SessionPolicy policy) =>
        policy == SessionPolicy.EndSessions ? ConnectedInitiators.EndSessions : ConnectedInitiators.Refuse;

    private static PendingRule PolicyOf(PendingPolicy policy) => policy == PendingPolicy.Discard ? PendingRule.Discard : PendingRule.Keep;

    private static UnflushedData PolicyOf(FlushPolicy policy) => policy == FlushPolicy.Drop ? UnflushedData.Drop : UnflushedData.Flush;
}

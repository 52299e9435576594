using Qcow2Target.Actors.Disks;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Scsi;
using Qcow2Target.Scsi.Operations;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Actors.Targets;

/// <summary>
/// The disks' half of a target: starts a disk's actor, brings what it opened before the initiators, and takes in what becomes of it by itself.
/// Belongs to the target's actor and runs on its thread only.
/// </summary>
internal sealed class TargetDisks(
    IActorContext context, TargetName target, LunTable luns, LunSaves saves, NexusTable nexuses, TargetSettings settings, TargetServices services,
    Action publish)
{
    private readonly ILoggingAdapter _log = context.GetLogger();

    public LunEntry Start(AttachDisk command, int lun) =>
        Start(lun, command.DiskPath, command.Serial, command.Access, command.ZeroDetection, command.Flavour ?? DiskFlavour.Usual, FirstOpen.MustSucceed);

    /// <summary>Starts what the state file holds; its image may come later.</summary>
    public LunEntry Start(StoredLun stored)
    {
        var access = stored.ReadOnly ? ImageAccess.ReadOnly : ImageAccess.ReadWrite;
        var flavour = new DiskFlavour(stored.Removable ? MediumKind.Removable : MediumKind.Fixed, stored.PhysicalBlockSize);
        var entry = Start(stored.Lun, stored.Path, stored.Serial, access, stored.ZeroDetection, flavour, FirstOpen.MayFail);
        entry.File = stored.File;
        entry.Reservations = stored.Reservations;
        return entry;
    }

    /// <summary>
    /// Another disk of the daemon with the serial number of one that was opened just now, in words; null: none. Initiators that see both take
    /// them for one disk with two paths. One image that is attached twice, for reading, is one disk.
    /// </summary>
    public string? FindNamesake(LunEntry entry)
    {
        publish();
        Interlocked.MemoryBarrier();   // of two targets that look at the same instant one sees the other at least
        return FindHolder(entry.SerialNumber!, entry.File!);
    }

    /// <summary>A disk of the daemon with that serial number, in words, that is another file; null: none.</summary>
    public string? FindHolder(string serialNumber, StoredFile file)
    {
        foreach (var view in services.Board.Targets)
        {
            foreach (var unit in view.LogicalUnits)
            {
                if (unit.SerialNumber == serialNumber && unit.Readiness != DiskReadiness.Detaching && unit.File?.MayBe(file) == false)
                    return $"LUN {unit.Lun} of {view.Name.Shown}";
            }
        }
        return null;
    }

    /// <summary>The disk has closed, or never opened.</summary>
    public void Drop(LunEntry entry)
    {
        luns.Remove(entry.Lun);
        context.Unwatch(entry.Actor);
        context.Stop(entry.Actor);
        publish();
    }

    public void BringIntoService(LunEntry entry)
    {
        entry.Readiness = DiskReadiness.Ready;
        entry.Reason = null;
        luns.PublishMap();
        publish();
        _log.Info("LUN {Lun} of {Target} is {Path} ({Bytes} bytes)", entry.Lun, target.Shown, entry.Path, entry.CapacityBytes);
    }

    /// <summary>Tells every initiator that a LUN came, and that it is another disk where one was there before.</summary>
    public void ReportNew(LunEntry entry)
    {
        var isReuse = luns.IsReuse(entry.Lun);
        if (entry.Sanitizing is { Resumption: SanitizeResumption.GoesOn })
            _log.Warning("{Path} was being sanitized when the daemon ended: that goes on", entry.Path);
        else if (entry.Sanitizing is not null)
            _log.Warning("{Path} was being sanitized when it was detached: its data are kept from initiators until one sanitizes it again", entry.Path);
        foreach (var session in nexuses.All)
        {
            if (isReuse)
                session.Io.Nexus.Raise(entry.Unit!, UnitAttention.InquiryDataChanged);   // first: what follows is told on the units that a nexus knows
            session.Io.ReportLunsChanged();
        }
    }

    /// <summary>No initiator sees them any more; their disks are told to close.</summary>
    public void TakeOutOfService(IReadOnlyList<LunEntry> entries, UnflushedData unflushed)
    {
        foreach (var entry in entries)
        {
            entry.Actor.Tell(new CloseDisk(unflushed));   // said again where an earlier command gave up waiting
            entry.Readiness = DiskReadiness.Detaching;
        }
        luns.PublishMap();
        publish();
        foreach (var session in nexuses.All)
            session.Io.ReportLunsChanged();
    }

    public void NoteDetached(IReadOnlyList<string> paths) => _log.Info("{Target}: {Paths} detached", target.Shown, string.Join(", ", paths));

    /// <summary>These did not close in time; others of the same command may have.</summary>
    public void NoteLate(IReadOnlyList<string> paths)
    {
        _log.Warning("{Target}: {Paths} did not close in time", target.Shown, string.Join(", ", paths));
        saves.TellGone();
    }

    /// <summary>A disk that was restored, or that came back, by itself.</summary>
    public void CameUp(DiskOpened opened)
    {
        if (Sender is not { } entry || entry.Readiness == DiskReadiness.Detaching)
            return;
        var isNew = entry.Unit is null;
        var isAnother = entry.File is { } stored && !stored.MayBeAfterRestart(opened.File);
        var isStoredSo = entry.File == opened.File;
        if (!isNew)
            Grown(opened.CapacityBytes);   // a resize that had to be given up may be in the file all the same
        else if (isAnother && entry.Reservations is { } foreign)
            DropForeign(entry, foreign);
        luns.MakeUnit(entry, opened);
        if (isNew && !isStoredSo)
            saves.Begin(new LunChange.InForce(entry.Lun, entry.Stored));
        if (isNew && FindNamesake(entry) is { } namesake)
            _log.Warning("LUN {Lun} of {Target} ({Path}) and {Other} have one serial number, {SerialNumber}: initiators that see both take them for one disk",
                entry.Lun, target.Shown, entry.Path, namesake, entry.SerialNumber!);
        BringIntoService(entry);
        if (isNew)
            ReportNew(entry);
    }

    /// <summary>Reservations are of a medium: those of a file that had this path before would shut out everybody for nobody.</summary>
    private void DropForeign(LunEntry entry, StoredReservations foreign)
    {
        entry.Reservations = null;
        _log.Warning("{Path} (LUN {Lun} of {Target}) is another file than when the daemon ended: its persistent reservations ({Count} registrations) are dropped",
            entry.Path, entry.Lun, target.Shown, foreign.Registrations.Count);
    }

    public void ChangeReadiness(DiskReadinessChanged change)
    {
        if (Sender is not { } entry || entry.Readiness == DiskReadiness.Detaching)
            return;
        entry.Readiness = change.Readiness;
        entry.Reason = change.Reason;
        if (entry.Unit is { } unit)
            unit.Availability = change.Readiness is DiskReadiness.Ready or DiskReadiness.WriteProtected ? UnitAvailability.Ready : UnitAvailability.BecomingReady;
        publish();
        if (change.Readiness == DiskReadiness.Ready)
            _log.Info("LUN {Lun} of {Target} serves again", entry.Lun, target.Shown);
        else if (change.Readiness == DiskReadiness.WriteProtected)
            _log.Warning("LUN {Lun} of {Target} ({Path}) is write protected: {Reason}", entry.Lun, target.Shown, entry.Path, change.Reason);
        else
            _log.Warning("LUN {Lun} of {Target} ({Path}) is out of service: {Reason}", entry.Lun, target.Shown, entry.Path, change.Reason);
    }

    /// <summary>The disk of the sender has another size: its initiators must ask for it again (SBC-3 clause 4.7.1).</summary>
    public void Grown(long capacityBytes)
    {
        if (Sender is not { } entry || entry.CapacityBytes == capacityBytes)
            return;
        entry.CapacityBytes = capacityBytes;
        entry.Unit?.Raise(UnitAttention.CapacityChanged);
        publish();
        _log.Info("LUN {Lun} of {Target} ({Path}) has {Bytes} bytes now", entry.Lun, target.Shown, entry.Path, capacityBytes);
    }

    /// <summary>The LUN whose disk has sent the message in hand.</summary>
    private LunEntry? Sender => luns.FindByActor(context.Sender);

    private LunEntry Start(int lun, string path, string? serial, ImageAccess access, ZeroDetection zeroDetection, DiskFlavour flavour, FirstOpen firstOpen)
    {
        var generation = luns.NextGeneration();
        var port = new DiskPort(path, flavour.PhysicalBlockBytes ?? settings.PhysicalBlockBytes, zeroDetection);
        var actor = context.ActorOf(DiskActor.PropsFor(new DiskPlace(lun, target.Shown), path, access, firstOpen, port, services), $"lun-{lun}-{generation}");
        context.WatchWith(actor, new DiskDied(lun));
        return luns.Add(lun, path, serial, access, flavour, actor, port);
    }
}

/// <summary>A disk's actor has ended without having been told to.</summary>
internal sealed record DiskDied(int Lun);

using Newtonsoft.Json;
using Newtonsoft.Json.Converters;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Actors.Targets;

/// <summary>What others may ask of the target manager. Every command is answered: by its own reply or by <see cref="CommandRefused"/>.</summary>
public interface ITargetManagerCommand;

/// <summary>A command about one target, which the manager hands to the target's actor.</summary>
public interface ITargetCommand : ITargetManagerCommand
{
    TargetName Target { get; }
}

/// <summary>What a command does about initiators that are connected.</summary>
public enum ConnectedInitiators
{
    /// <summary>The command is refused while there are any.</summary>
    Refuse,

    /// <summary>Their sessions are ended first.</summary>
    EndSessions,
}

/// <summary>What becomes of data that an image has not yet on disk when it is taken out of service.</summary>
public enum UnflushedData
{
    /// <summary>It is brought to the disk before the command answers.</summary>
    Flush,

    /// <summary>It is dropped: the image is about to be deleted.</summary>
    Drop,
}

/// <summary>What becomes of zeros that initiators write to a disk.</summary>
[JsonConverter(typeof(StringEnumConverter))]   // the state file keeps it by name
public enum ZeroDetection
{
    /// <summary>They are written like any other bytes.</summary>
    Off,

    /// <summary>Whole clusters of zeros are unmapped.</summary>
    On,
}

/// <param name="Access">Who may use it; null: everybody.</param>
public sealed record AddTarget(TargetName Target, AccessChange? Access = null) : ITargetManagerCommand;

/// <summary>Changes who may use a target from the next login on; sessions that are there stay. Answered by <see cref="AccessChanged"/>.</summary>
public sealed record ChangeAccess(TargetName Target, AccessChange Change) : ITargetManagerCommand;

public sealed record DeleteTarget(TargetName Target, ConnectedInitiators Initiators) : ITargetCommand;

/// <param name="Target">The target that gets the LUN.</param>
/// <param name="DiskPath">Relative to the first disks root, or absolute and inside one.</param>
/// <param name="Lun">The LUN id wanted, or null for the lowest free one.</param>
/// <param name="Serial">Fixes the unit serial number (VPD 80h) and with it the identity; null derives it.</param>
/// <param name="Access">Whether initiators may write.</param>
/// <param name="ZeroDetection">What becomes of zeros that initiators write.</param>
/// <param name="Pending">What to do where the image lacks writes whose log is not here or does not fit.</param>
/// <param name="Flavour">What kind of disk initiators see; null: a fixed one with the configuration's blocks.</param>
public sealed record AttachDisk(
    TargetName Target,
    string DiskPath,
    int? Lun,
    string? Serial,
    ImageAccess Access = ImageAccess.ReadWrite,
    ZeroDetection ZeroDetection = ZeroDetection.Off,
    PendingRule Pending = PendingRule.Keep,
    DiskFlavour? Flavour = null) : ITargetCommand;

public sealed record DetachDisk(TargetName Target, int Lun, ConnectedInitiators Initiators, UnflushedData Unflushed) : ITargetCommand;

public sealed record ClearTarget(TargetName Target, ConnectedInitiators Initiators, UnflushedData Unflushed) : ITargetCommand;

/// <param name="Bytes">The new size, a multiple of 512; not below the size now.</param>
public sealed record ResizeDisk(TargetName Target, int Lun, long Bytes) : ITargetCommand;

/// <summary>Checks the image of a LUN while it is served; answered by <see cref="Disks.DiskChecked"/>.</summary>
public sealed record CheckDisk(TargetName Target, int Lun) : ITargetCommand;

/// <param name="Target">Only this target, or null for all.</param>
public sealed record ListTargets(TargetName? Target) : ITargetManagerCommand;

public sealed record TargetAdded(int TargetId);

public sealed record TargetDeleted;

public sealed record AccessChanged;

public sealed record DiskAttached(int Lun);

public sealed record DiskDetached(string Path);

/// <param name="CapacityBytes">What the disk has now.</param>
public sealed record DiskResized(long CapacityBytes);

public sealed record TargetCleared(IReadOnlyList<string> Paths);

public sealed record TargetList(IReadOnlyList<TargetView> Targets);

/// <summary>Why a command was refused. The words for it belong to who asked: they are the control contract's.</summary>
public enum RefusalReason
{
    TargetDoesNotExist,
    TargetAlreadyExists,
    LogicalUnitNotFound,
    LogicalUnitExists,
    LogicalUnitNotReady,
    SerialNumberInUse,
    TargetHasActiveConnection,
    TargetHasLogicalUnits,
    TargetHasActiveConnections,
    AccessContradicts,
    TooManyTargets,
    TooManyLogicalUnits,
    DiskPathRefused,
    DiskNotFound,
    DiskInUse,
    DiskUnsupported,

    /// <summary>Writes that a killed daemon had completed are in a log that is not here or does not fit.</summary>
    DiskPending,
    DiskDamaged,
    DiskFault,
    DiskFull,
    DiskReadOnly,
    DiskCannotShrink,
    DiskTooLarge,
    Detaching,
    Deadline,
    StateNotSaved,
    ShuttingDown,
    InternalFault,
}

/// <param name="Reason">Which refusal.</param>
/// <param name="Subject">What it is about: the target's name, the disk's path, what was waited for, the limit's name.</param>
/// <param name="Explanation">What else there is to say: the holder of the file, the format's reason.</param>
public sealed record CommandRefused(RefusalReason Reason, string Subject, string Explanation = "");

/// <summary>Finds the target that an initiator names in its login; answered by <see cref="TargetFound"/> or <see cref="TargetNotFound"/>.</summary>
public sealed record FindTarget(TargetName Target) : ITargetManagerCommand;

public sealed record TargetFound(IActorRef Target);

/// <param name="ShuttingDown">The daemon is on its way down: the initiator may come again (login status 0301).</param>
public sealed record TargetNotFound(bool ShuttingDown);

/// <summary>Sent when the manager has started what the state file holds, as far as it can be started.</summary>
public sealed record AwaitReady : ITargetManagerCommand;

public sealed record TargetsReady(int Targets, int Disks, int NotReady);

/// <summary>Ends every session, brings every image to the disk and closes it; answered by <see cref="TargetsClosed"/>.</summary>
public sealed record CloseTargets : ITargetManagerCommand;

public sealed record TargetsClosed(int NotClosed);

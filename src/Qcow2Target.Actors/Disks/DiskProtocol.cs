using Qcow2Target.Actors.Targets;
using Qcow2Target.Qcow2.Check;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Actors.Disks;

/// <summary>What others may say to a disk. Bytes do not come this way: they go through <see cref="DiskPort"/>.</summary>
public interface IDiskCommand;

/// <summary>Answered once by <see cref="DiskOpened"/> or <see cref="DiskNotOpened"/>.</summary>
/// <param name="Pending">What to do where the image lacks writes whose log is not here or does not fit.</param>
public sealed record OpenDisk(PendingRule Pending = PendingRule.Keep) : IDiskCommand;

/// <summary>Answered by <see cref="DiskClosed"/> when no descriptor and no lock is left and the file is complete; the actor stops then.</summary>
public sealed record CloseDisk(UnflushedData Unflushed) : IDiskCommand;

/// <summary>Checks the disk's image; answered by <see cref="DiskChecked"/> or <see cref="CommandRefused"/>.</summary>
public sealed record InspectDisk : IDiskCommand;

/// <summary>What a check has found.</summary>
public sealed record DiskChecked(CheckReport Report);

/// <summary>Makes the disk larger; answered by <see cref="DiskGrown"/> or <see cref="DiskNotGrown"/>.</summary>
/// <param name="Bytes">The new size, a multiple of 512.</param>
public sealed record GrowDisk(long Bytes) : IDiskCommand;

/// <param name="CapacityBytes">What the disk has now; durable.</param>
public sealed record DiskGrown(long CapacityBytes);

public sealed record DiskNotGrown(RefusalReason Reason, string Explanation);

/// <param name="Path">Absolute path of the image.</param>
/// <param name="BackingPaths">Absolute paths of the images below, nearest first. Where there are any the disk's identity is that of its place, not of its file.</param>
/// <param name="CapacityBytes">Virtual size.</param>
/// <param name="File">Which file it is, for the state file.</param>
public sealed record DiskOpened(string Path, IReadOnlyList<string> BackingPaths, long CapacityBytes, StoredFile File);

public sealed record DiskNotOpened(RefusalReason Reason, string Explanation);

public sealed record DiskClosed;

/// <summary>Sent to the target when a disk leaves or comes back into service.</summary>
public sealed record DiskReadinessChanged(int Lun, DiskReadiness Readiness, string? Reason);

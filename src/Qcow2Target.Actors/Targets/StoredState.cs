namespace Qcow2Target.Actors.Targets;

/// <summary>What the state file holds: which targets there are and what is attached to them.</summary>
/// <param name="Version">Form of the file: <see cref="CurrentVersion"/>.</param>
/// <param name="DaemonId">The daemon's own UUID: serial numbers and NAA identifiers derive from it.</param>
/// <param name="Targets">In the order of their ids.</param>
/// <param name="Sanitizes">Media whose sanitizing has not ended, oldest first; null: none.</param>
public sealed record StoredState(int Version, Guid DaemonId, IReadOnlyList<StoredTarget> Targets, IReadOnlyList<StoredSanitize>? Sanitizes = null)
{
    public const int CurrentVersion = 1;
}

/// <param name="Access">Who may use it, with the secrets; null: everybody.</param>
public sealed record StoredTarget(int Id, string Name, IReadOnlyList<StoredLun> Luns, AccessRules? Access = null);

/// <param name="Lun">LUN id.</param>
/// <param name="Path">Absolute path of the image.</param>
/// <param name="Serial">Given at ATTACH, or null.</param>
/// <param name="File">Which file it was when it was attached.</param>
/// <param name="ReadOnly">Attached for reading only.</param>
/// <param name="ZeroDetection">Given at ATTACH.</param>
/// <param name="Reservations">Persistent reservations that survive a loss of power, or null.</param>
/// <param name="Removable">Given at ATTACH.</param>
/// <param name="PhysicalBlockSize">Given at ATTACH, or null.</param>
public sealed record StoredLun(
    int Lun, string Path, string? Serial, StoredFile File, bool ReadOnly = false, ZeroDetection ZeroDetection = ZeroDetection.Off,
    StoredReservations? Reservations = null, bool Removable = false, int? PhysicalBlockSize = null);

/// <summary>Which file a path named: a file of another identity under the same path is another disk.</summary>
/// <param name="Device">st_dev.</param>
/// <param name="Inode">st_ino.</param>
/// <param name="BirthTime">When it was made, in nanoseconds since 1970, which tells a reused inode; 0 where the file system does not say.</param>
public sealed record StoredFile(ulong Device, ulong Inode, long BirthTime = 0)
{
    /// <summary>Whether both may be one file: state of an older daemon has no birth times.</summary>
    public bool MayBe(StoredFile other) =>
        (Device, Inode) == (other.Device, other.Inode) && HasBirthTimeOf(other);

    /// <summary>
    /// The same where the host may have started anew in between: device numbers are given out again then (device mapper, btrfs, NFS), and what
    /// protects a medium is not to be lost by that.
    /// </summary>
    public bool MayBeAfterRestart(StoredFile other) => Inode == other.Inode && HasBirthTimeOf(other);

    /// <summary>
    /// Whether both are one file for sure, also where the host may have started anew in between: what is to be done to one is never done to another.
    /// </summary>
    public bool Is(StoredFile other) => Inode == other.Inode && BirthTime == other.BirthTime && (BirthTime != 0 || Device == other.Device);

    private bool HasBirthTimeOf(StoredFile other) => BirthTime == other.BirthTime || BirthTime == 0 || other.BirthTime == 0;
}

namespace Qcow2Target.Control.Replies;

/// <summary>What LIST tells of a logical unit with details only. Null: not known (now), and not written.</summary>
/// <param name="Serial">Unit serial number (VPD page 80h).</param>
/// <param name="SizeBytes">Size as the initiator sees it, in bytes.</param>
/// <param name="StateReason">One line: why the logical unit is not ready.</param>
/// <param name="BackingPaths">Absolute paths of the images below, nearest first.</param>
/// <param name="ReadOnly">True: attached for reading only.</param>
/// <param name="DetectsZeroes">True where zeros that are written take no space; written only then.</param>
/// <param name="Removable">True where initiators can eject it; written only then.</param>
/// <param name="PhysicalBlockSize">Given at ATTACH, in bytes.</param>
public sealed record LunDetails(
    string? Serial = null,
    long? SizeBytes = null,
    string? StateReason = null,
    IReadOnlyList<string>? BackingPaths = null,
    bool? ReadOnly = null,
    bool? DetectsZeroes = null,
    bool? Removable = null,
    long? PhysicalBlockSize = null);

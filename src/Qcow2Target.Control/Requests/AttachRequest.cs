using Qcow2Target.Control.Errors;

namespace Qcow2Target.Control.Requests;

/// <summary>ATTACH: open a qcow2 image and make it a logical unit of a target. Answered by <see cref="Replies.AttachReply"/>.</summary>
/// <param name="TargetName">Name of the target as given.</param>
/// <param name="DiskPath">Path of the image: relative to the first disks root, or absolute and inside one.</param>
/// <param name="LunId">Wanted LUN id, any integer; null for the lowest free one. Optional.</param>
/// <param name="Serial">Unit serial number (VPD page 80h) to be kept with this LUN; null for the daemon's own. Optional.</param>
/// <param name="Access">Whether it may be written. Optional.</param>
/// <param name="Zeroes">What becomes of zeros that are written. Optional.</param>
/// <param name="Pending">What to do with writes that an earlier daemon completed and this one has not got. Optional.</param>
/// <param name="Medium">Whether initiators can eject it. Optional.</param>
/// <param name="PhysicalBlockSize">Physical block size that initiators see, in bytes: 512 or 4096; null for the daemon's own. Optional.</param>
public sealed record AttachRequest(
    string TargetName,
    string DiskPath,
    long? LunId = null,
    string? Serial = null,
    DiskAccess Access = DiskAccess.ReadWrite,
    ZeroPolicy Zeroes = ZeroPolicy.Write,
    PendingPolicy Pending = PendingPolicy.Keep,
    DiskMedium Medium = DiskMedium.Fixed,
    long? PhysicalBlockSize = null) : ControlRequest
{
    public override string Type => RequestTypes.Attach;

    /// <inheritdoc/>
    public override ControlError? FindFault()
    {
        if (LunId is < 0 or > ControlLimits.MaxLunId)
            return ControlErrors.InvalidLunId(LunId.Value);
        if (Serial is not null && FindSerialFault(Serial) is { } fault)
            return ControlErrors.InvalidSerial(Serial, fault);
        if (PhysicalBlockSize is not (null or 512 or 4096))
            return ControlErrors.InvalidPhysicalBlockSize(PhysicalBlockSize.Value);
        if (DiskPath.Length == 0)
            return ControlErrors.InvalidDiskPath(DiskPath, "it is empty");
        return DiskPath.Contains('\0') ? ControlErrors.InvalidDiskPath(DiskPath, "it has a zero character") : null;
    }

    private static string? FindSerialFault(string serial)
    {
        if (serial.Length is 0 or > ControlLimits.MaxSerialLength)
            return $"it has {serial.Length} characters, not 1 to {ControlLimits.MaxSerialLength}";
        // SPC-4, 7.8.15: ASCII data, 20h to 7Eh; a leading or trailing space would be taken for padding.
        if (serial.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            return "it has a character that is not printable ASCII";
        return serial[0] == ' ' || serial[^1] == ' ' ? "it begins or ends with a space" : null;
    }
}

using Qcow2Target.Control.Errors;

namespace Qcow2Target.Control.Requests;

/// <summary>RESIZE: make the disk of a logical unit larger while it is in use. Answered by <see cref="Replies.ResizeReply"/>.</summary>
/// <param name="TargetName">Name of the target as given.</param>
/// <param name="LunId">LUN id, any integer: one out of range is one that is not there.</param>
/// <param name="Size">The new size in bytes, any integer; a multiple of 512, not below the size now.</param>
public sealed record ResizeRequest(string TargetName, long LunId, long Size) : ControlRequest
{
    private const int BlockBytes = 512;

    public override string Type => RequestTypes.Resize;

    /// <inheritdoc/>
    public override ControlError? FindFault()
    {
        if (LunId is < 0 or > ControlLimits.MaxLunId)
            return ControlErrors.LunNotFound(TargetName, LunId);
        return Size <= 0 || Size % BlockBytes != 0 ? ControlErrors.InvalidSize(Size, $"it must be a multiple of {BlockBytes} above 0") : null;
    }
}

using Qcow2Target.Control.Errors;

namespace Qcow2Target.Control.Requests;

/// <summary>DETACHLUN: drain a logical unit, take it from its target, close its image. Answered by <see cref="Replies.DetachLunReply"/>.</summary>
/// <param name="TargetName">Name of the target as given.</param>
/// <param name="LunId">LUN id, any integer: one out of range is one that is not there.</param>
/// <param name="Flush">Whether the image is made complete on disk first. Optional.</param>
public sealed record DetachLunRequest(string TargetName, long LunId, FlushPolicy Flush = FlushPolicy.Flush) : ControlRequest
{
    public override string Type => RequestTypes.DetachLun;

    /// <inheritdoc/>
    public override ControlError? FindFault() =>
        LunId is < 0 or > ControlLimits.MaxLunId ? ControlErrors.LunNotFound(TargetName, LunId) : null;
}

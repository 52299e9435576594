using Qcow2Target.Control.Errors;

namespace Qcow2Target.Control.Requests;

/// <summary>CHECK: check the image of a logical unit while it is in use. Answered by <see cref="Replies.CheckReply"/>.</summary>
/// <param name="TargetName">Name of the target as given.</param>
/// <param name="LunId">LUN id, any integer: one out of range is one that is not there.</param>
public sealed record CheckDiskRequest(string TargetName, long LunId) : ControlRequest
{
    public override string Type => RequestTypes.Check;

    /// <inheritdoc/>
    public override ControlError? FindFault() => LunId is < 0 or > ControlLimits.MaxLunId ? ControlErrors.LunNotFound(TargetName, LunId) : null;
}

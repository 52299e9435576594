namespace Qcow2Target.Control.Requests;

/// <summary>LIST: targets, their logical units and who is connected. Answered by <see cref="Replies.ListReply"/>.</summary>
/// <param name="TargetName">Only this target, with full details; null for all. Optional.</param>
/// <param name="Detail">How much is told. Optional.</param>
public sealed record ListRequest(string? TargetName = null, ListDetail Detail = ListDetail.Contract) : ControlRequest
{
    public override string Type => RequestTypes.List;
}

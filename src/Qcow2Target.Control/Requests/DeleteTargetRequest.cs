namespace Qcow2Target.Control.Requests;

/// <summary>DELETETARGET: remove a target that has no logical units. Answered by <see cref="Replies.EmptyReply"/>.</summary>
/// <param name="TargetName">Name of the target as given.</param>
/// <param name="Sessions">What to do when initiators are connected. Optional.</param>
public sealed record DeleteTargetRequest(string TargetName, SessionPolicy Sessions = SessionPolicy.RefuseIfConnected) : ControlRequest
{
    public override string Type => RequestTypes.DeleteTarget;
}

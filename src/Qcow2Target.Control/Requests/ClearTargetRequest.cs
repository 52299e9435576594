namespace Qcow2Target.Control.Requests;

/// <summary>CLEARTARGET: detach all logical units of a target. Answered by <see cref="Replies.ClearTargetReply"/>.</summary>
/// <param name="TargetName">Name of the target as given.</param>
/// <param name="Sessions">What to do when initiators are connected. Optional.</param>
/// <param name="Flush">Whether the images are made complete on disk first. Optional.</param>
public sealed record ClearTargetRequest(
    string TargetName,
    SessionPolicy Sessions = SessionPolicy.RefuseIfConnected,
    FlushPolicy Flush = FlushPolicy.Flush) : ControlRequest
{
    public override string Type => RequestTypes.ClearTarget;
}

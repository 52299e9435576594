namespace Qcow2Target.Qcow2.Image;

/// <summary>A flush of the writer's own: tells when all that was linked so far is committed, or why it is not.</summary>
internal sealed class CommitBarrier(Action<ImageFault?> completed) : FlushRequest
{
    protected internal override void Complete(ImageFault? fault) => completed(fault);
}

namespace Qcow2Target.Qcow2.Image;

/// <summary>What becomes of what is not yet durable when an image is closed.</summary>
public enum CloseMode
{
    /// <summary>Everything that completed is committed and synced, unused reservations are given back.</summary>
    Commit,

    /// <summary>What runs is waited for, nothing more is written: for an image that is about to be deleted, or that has failed.</summary>
    Abandon,
}

/// <summary>
/// The one writer of an image's metadata: a state machine without a thread, a lock or a task of its own. All members are called by one
/// owner, one at a time (an actor; a deterministic driver in tests). The owner submits requests, calls <see cref="Drain"/>, runs what
/// <see cref="TryTakeWork"/> gives on worker threads, gives each back by <see cref="WorkDone"/> and drains again.
/// </summary>
public sealed class MetadataWriter
{
    internal MetadataWriter()
    {
    }

    /// <summary>Collects a request; it is decided on by the next <see cref="Drain"/>.</summary>
    public void Submit(ImageRequest request) => throw new NotSupportedException();

    /// <summary>Decides for all that was submitted and all work that came back. Never waits. Completes requests.</summary>
    public void Drain() => throw new NotSupportedException();

    /// <summary>True: a bounded <see cref="Drain"/> has left something to decide (a zeroing of terabytes); call it again soon.</summary>
    public bool NeedsDrain => throw new NotSupportedException();

    /// <summary>The next job for a worker thread, if there is one now.</summary>
    public bool TryTakeWork([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out ImageWork? work) => throw new NotSupportedException();

    /// <summary>A job whose <see cref="ImageWork.Execute"/> has returned. <see cref="Drain"/> must follow.</summary>
    public void WorkDone(ImageWork work) => throw new NotSupportedException();

    /// <summary>How long from now until <see cref="Tick"/> wants to be called; null: nothing is timed.</summary>
    public TimeSpan? NextTick => throw new NotSupportedException();

    /// <summary>Time has passed: commits what is due. <see cref="Drain"/> is part of it.</summary>
    public void Tick() => throw new NotSupportedException();

    /// <summary>No request waits, no work runs or waits to be taken.</summary>
    public bool IsIdle => throw new NotSupportedException();

    /// <summary>Turns new requests away (<see cref="ImageFaultKind.Closed"/>), finishes what was submitted, and brings the file to rest.</summary>
    public void BeginClose(CloseMode mode) => throw new NotSupportedException();

    /// <summary>The close has ended: no work runs, the file is complete on disk unless <see cref="Fault"/> tells otherwise.</summary>
    public bool IsClosed => throw new NotSupportedException();

    /// <summary>
    /// Why nothing more is written: a failed sync (<see cref="ImageFaultKind.WriteError"/>: close with <see cref="CloseMode.Abandon"/> and
    /// open anew) or a contradiction (<see cref="ImageFaultKind.Corrupt"/>). Null: all is well.
    /// </summary>
    public ImageFault? Fault => throw new NotSupportedException();
}

namespace Qcow2Target.Actors.Disks;

/// <summary>A call that may block in the kernel for as long as a disk or a mount likes. Never run on the thread pool.</summary>
public abstract class BlockingWork
{
    internal BlockingWork? Next { get; set; }

    internal ImageQueue? Owner { get; set; }

    /// <summary>Does the work and reports its outcome itself.</summary>
    public abstract void Run();
}

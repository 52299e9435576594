namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// One blocking job that the <see cref="MetadataWriter"/> wants done: reads, writes, syncs. Its owner runs <see cref="Execute"/> once, on
/// any thread, many jobs side by side, and then gives it back with <see cref="MetadataWriter.WorkDone"/> on the writer's own thread.
/// </summary>
public abstract class ImageWork
{
    private protected ImageWork()
    {
    }

    /// <summary>The failure that ended the job early, or null.</summary>
    internal ImageFault? Fault { get; private set; }

    /// <summary>Runs the job to its end. Does not throw: a failure is kept for the writer.</summary>
    public void Execute()
    {
        try
        {
            Run();
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            Fault = Faults.From(exception, Failure);
        }
    }

    /// <summary>The job is not run any more.</summary>
    internal void Cancel(ImageFault fault) => Fault = fault;

    /// <summary>What an I/O error in this job means for those who wait for it.</summary>
    private protected virtual ImageFaultKind Failure => ImageFaultKind.WriteError;

    private protected abstract void Run();
}

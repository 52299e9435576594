namespace Qcow2Target.Actors;

/// <summary>
/// Counts work in and out of something that will be taken away, and turns new work back once it is closed. Stopped is not quiet:
/// who takes a socket or an image away closes the gate and waits for <see cref="Completion"/>. Costs one interlocked operation each way.
/// </summary>
public sealed class WorkGate
{
    private const long ClosedBit = 1L << 62;

    private readonly TaskCompletionSource _quiet = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _state;

    /// <summary>Ends when the gate is closed and all work that went in has come out.</summary>
    public Task Completion => _quiet.Task;

    public bool IsClosed => (Volatile.Read(ref _state) & ClosedBit) != 0;

    /// <summary>True: the work may begin, and <see cref="Exit"/> is owed. False: the gate is closed, nothing is owed.</summary>
    public bool TryEnter()
    {
        if ((Interlocked.Increment(ref _state) & ClosedBit) == 0)
            return true;
        Exit();
        return false;
    }

    public void Exit()
    {
        if (Interlocked.Decrement(ref _state) == ClosedBit)
            _quiet.TrySetResult();
    }

    /// <summary>Turns new work back from now on. Idempotent.</summary>
    public void Close()
    {
        if ((Interlocked.Or(ref _state, ClosedBit) & ~ClosedBit) == 0)
            _quiet.TrySetResult();
    }
}

using Qcow2Target.Iscsi.Buffers;

namespace Qcow2Target.Iscsi.Sessions;

/// <summary>
/// What the writes of one session hold: data that was asked for and has not come, what is gathered, parameter lists, and slow writes under way. Any thread.
/// <para>Full is never for ever: it takes something that moves (a sequence that is open, a slow write), and when that ends, what waits is looked at again.</para>
/// </summary>
internal sealed class WriteMemory(BufferPool pool)
{
    private long _heldBytes;
    private int _moving;

    /// <summary>Bytes held.</summary>
    public long HeldBytes => Interlocked.Read(ref _heldBytes);

    /// <summary>R2Ts have to wait.</summary>
    public bool IsFull => Volatile.Read(ref _moving) > 0 && HeldBytes >= (pool.IsScarce ? IscsiLimits.PromisedWriteBytes : IscsiLimits.MaxWriteBytes);

    /// <summary>Data that comes unasked finds no room: all sessions together hold too much, and this one more than it was promised.</summary>
    public bool IsRefusing => pool.IsScarce && IsFull;

    /// <summary>After every step of a write on the connection's thread, and when it ends.</summary>
    public void Recount(ScsiTask task)
    {
        var outstanding = task.DataOut.OutstandingBytes;
        var held = outstanding + (task.Gathered?.Array.Length ?? 0) + (task.ParameterList?.Array.Length ?? 0);
        if (held != task.HeldBytes) Interlocked.Add(ref _heldBytes, held - task.HeldBytes);
        if (outstanding != task.OutstandingBytes) pool.Promise(outstanding - task.OutstandingBytes);
        if (task.DataOut.IsOpen != task.IsMoving) Interlocked.Add(ref _moving, task.IsMoving ? -1 : 1);
        task.HeldBytes = held;
        task.OutstandingBytes = outstanding;
        task.IsMoving = task.DataOut.IsOpen;
    }

    public void SlowWriteStarted(int bytes)
    {
        Interlocked.Increment(ref _moving);
        Interlocked.Add(ref _heldBytes, bytes);
    }

    public void SlowWriteEnded(int bytes)
    {
        Interlocked.Add(ref _heldBytes, -bytes);
        Interlocked.Decrement(ref _moving);
    }
}

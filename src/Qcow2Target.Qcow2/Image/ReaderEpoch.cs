namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// Tells the writer when every read and in-place write that may have looked up an old mapping has left. Two counters, one of which takes
/// the newcomers; a thread counts itself in, looks entries up, does its I/O, and counts itself out: two interlocked operations.
/// </summary>
internal sealed class ReaderEpoch
{
    // One counter for each cache line.
    private const int Stride = 16;

    private readonly long[] _inside = new long[Stride * 3];
    private int _phase;

    /// <summary>Counts in. What it returns is given to <see cref="Exit"/>.</summary>
    internal int Enter()
    {
        var slot = Stride * (1 + (Volatile.Read(ref _phase) & 1));
        Interlocked.Increment(ref _inside[slot]);
        return slot;
    }

    internal void Exit(int slot) => Interlocked.Decrement(ref _inside[slot]);

    /// <summary>
    /// The writer's: moves on if nobody is left from the phase before. A thread may read the phase and count itself in a little later, under
    /// the number of a phase that is over; so it takes <b>two</b> steps after a change until all that were inside at the change have left:
    /// the first sees the other counter at zero, the second this one.
    /// </summary>
    internal bool TryAdvance()
    {
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _inside[Stride * (1 + ((_phase + 1) & 1))]) != 0) return false;
        Volatile.Write(ref _phase, _phase + 1);
        Interlocked.MemoryBarrier();
        return true;
    }

    /// <summary>Steps made so far. All that entered when this was n have left when it is n + <see cref="GraceSteps"/>.</summary>
    internal int Phase => _phase;

    internal const int GraceSteps = 2;
}

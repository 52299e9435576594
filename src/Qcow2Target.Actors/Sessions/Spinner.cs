using System.Diagnostics;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Interop;

namespace Qcow2Target.Actors.Sessions;

/// <summary>
/// Looks for the next command for some microseconds before the thread sleeps: waking a halted virtual processor costs more than a
/// command. One thread of the process spins at a time, it gives the processor away between two looks, and stops after misses; an idle
/// connection uses no processor.
/// </summary>
internal sealed class Spinner(IdleSpin spin)
{
    private const int MissesBeforePause = 3;
    private const int Pause = 16;

    private static readonly long SpinTicks = Stopwatch.Frequency * 40 / 1_000_000;
    private static int _spinning;

    private readonly bool _enabled = spin == IdleSpin.On && Environment.ProcessorCount > 1;
    private int _misses;
    private int _pause;

    /// <summary>True: bytes came meanwhile.</summary>
    public bool TrySpin(SessionIo io)
    {
        if (!_enabled)
            return false;
        if (_pause > 0)
        {
            _pause--;
            return false;
        }
        if (Interlocked.CompareExchange(ref _spinning, 1, 0) != 0)
            return false;
        try
        {
            var end = Stopwatch.GetTimestamp() + SpinTicks;
            do
            {
                _ = Libc.SchedYield();
                if (io.TryReceiveMore())
                {
                    _misses = 0;
                    return true;
                }
            }
            while (Stopwatch.GetTimestamp() < end);
        }
        finally
        {
            Volatile.Write(ref _spinning, 0);
        }
        if (++_misses >= MissesBeforePause)
        {
            _misses = 0;
            _pause = Pause;
        }
        return false;
    }
}

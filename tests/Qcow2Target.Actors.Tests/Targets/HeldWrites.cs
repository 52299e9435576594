using Qcow2Target.Actors.Disks;

namespace Qcow2Target.Actors.Tests.Targets;

/// <summary>Holds the writes of a state file: every thread that may write it is busy with waiting for the test, which lets one write through at a time.</summary>
internal sealed class HeldWrites : IDisposable
{
    private readonly SemaphoreSlim _gate = new(0);
    private readonly BlockingThreads _threads;

    public HeldWrites(BlockingThreads threads)
    {
        _threads = threads;
        for (var i = 0; i < DeviceThreads.MaxThreads; i++)
            Occupy();
    }

    /// <summary>Lets the one write through that waits; the next one is held again.</summary>
    public void LetOne()
    {
        Occupy();   // behind the write
        _gate.Release();
    }

    /// <summary>Holds nothing any more.</summary>
    public void Dispose() => _gate.Release(1000);

    private void Occupy() => _ = _threads.Run(() => _gate.Wait(TimeSpan.FromSeconds(30)));
}

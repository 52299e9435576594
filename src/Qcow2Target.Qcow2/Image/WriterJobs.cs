using System.Diagnostics.CodeAnalysis;

namespace Qcow2Target.Qcow2.Image;

/// <summary>The writer's jobs: those that wait for a worker, those that have come back, and how many have not been looked at since they were made.</summary>
internal sealed class WriterJobs
{
    private readonly Queue<ImageWork> _ready = new();
    private readonly Queue<ImageWork> _returned = new();

    /// <summary>Jobs from <see cref="Enqueue"/> to <see cref="TryTakeReturned"/>.</summary>
    internal int Outstanding { get; private set; }

    internal void Enqueue(ImageWork work)
    {
        Outstanding++;
        _ready.Enqueue(work);
    }

    internal bool TryTakeReady([NotNullWhen(true)] out ImageWork? work) => _ready.TryDequeue(out work);

    internal void Return(ImageWork work) => _returned.Enqueue(work);

    internal bool TryTakeReturned([NotNullWhen(true)] out ImageWork? work)
    {
        if (!_returned.TryDequeue(out work)) return false;
        Outstanding--;
        return true;
    }

    /// <summary>What no worker has taken comes back with a fault.</summary>
    internal void CancelReady(ImageFault fault)
    {
        while (_ready.TryDequeue(out var work))
        {
            work.Cancel(fault);
            _returned.Enqueue(work);
        }
    }
}

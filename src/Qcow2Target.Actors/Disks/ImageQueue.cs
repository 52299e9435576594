namespace Qcow2Target.Actors.Disks;

/// <summary>The blocking calls of one image: at most <see cref="MaxAtOnce"/> run, the rest wait in order of arrival.</summary>
public sealed class ImageQueue(DeviceThreads threads)
{
    public const int MaxAtOnce = 8;

    private readonly Lock _gate = new();
    private readonly Queue<BlockingWork> _waiting = new();
    private int _running;

    public void Enqueue(BlockingWork work)
    {
        work.Owner = this;
        lock (_gate)
        {
            if (_running == MaxAtOnce)
            {
                _waiting.Enqueue(work);
                return;
            }
            _running++;
        }
        threads.Submit(work);
    }

    internal void Finished()
    {
        BlockingWork? next;
        lock (_gate)
        {
            if (!_waiting.TryDequeue(out next))
            {
                _running--;
                return;
            }
        }
        threads.Submit(next);
    }
}

namespace Qcow2Target.Actors.Disks;

/// <summary>
/// The threads that may block on one device (st_dev): at most <see cref="MaxThreads"/>, made on demand, ended after an idle while. One
/// set for each device, so that a mount that answers no more takes its own threads and nobody else's.
/// </summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "Lives as long as the process; its semaphore has no handle.")]
public sealed class DeviceThreads
{
    public const int MaxThreads = 64;

    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _ready = new(0);
    private readonly string _name;
    private BlockingWork? _head;
    private BlockingWork? _tail;
    private int _queued;
    private int _idle;
    private int _threads;

    public DeviceThreads(string name) => _name = name;

    public void Submit(BlockingWork work)
    {
        var startThread = false;
        lock (_gate)
        {
            work.Next = null;
            if (_tail is null)
                _head = work;
            else
                _tail.Next = work;
            _tail = work;
            _queued++;
            if (_queued > _idle && _threads < MaxThreads)
            {
                _threads++;
                _idle++;
                startThread = true;
            }
        }
        _ready.Release();
        if (startThread)
            new Thread(Loop) { IsBackground = true, Name = _name }.Start();
    }

    private void Loop()
    {
        while (true)
        {
            var signalled = _ready.Wait(IdleTime);
            BlockingWork? work;
            lock (_gate)
            {
                work = _head;
                if (work is null)
                {
                    if (signalled)
                        continue;
                    _idle--;
                    _threads--;
                    return;
                }
                if (!signalled && !_ready.Wait(0))
                    continue;
                _head = work.Next;
                if (_head is null)
                    _tail = null;
                _queued--;
                _idle--;
            }
            Run(work);
            lock (_gate)
                _idle++;
        }
    }

    private static void Run(BlockingWork work)
    {
        var owner = work.Owner;
        try
        {
            work.Run();
        }
        finally
        {
            owner?.Finished();
        }
    }
}

namespace Qcow2Target.Scsi;

/// <summary>Whether the medium of a removable unit is in, and which nexuses keep it there (SPC-4 6.18, SBC-3 4.6). Thread-safe.</summary>
internal sealed class Tray
{
    private readonly Lock _lock = new();
    private readonly HashSet<ItlNexus> _preventing = [];
    private TaskCompletionSource _allowed = NewSignal();
    private volatile bool _isEmpty;

    public bool IsEmpty => _isEmpty;

    public bool IsPrevented
    {
        get
        {
            lock (_lock)
                return _preventing.Count > 0;
        }
    }

    public bool IsPreventedBy(ItlNexus nexus)
    {
        lock (_lock)
            return _preventing.Contains(nexus);
    }

    /// <summary>Ends when no nexus prevents removal.</summary>
    public Task Allowed
    {
        get
        {
            lock (_lock)
                return _preventing.Count == 0 ? Task.CompletedTask : _allowed.Task;
        }
    }

    public void Prevent(ItlNexus nexus)
    {
        lock (_lock)
            _preventing.Add(nexus);
    }

    public void Allow(ItlNexus nexus)
    {
        lock (_lock)
        {
            _preventing.Remove(nexus);
            TellIfAllowed();
        }
    }

    public void AllowAll()
    {
        lock (_lock)
        {
            _preventing.Clear();
            TellIfAllowed();
        }
    }

    /// <summary>False: a nexus prevents it. Ejecting twice is no fault.</summary>
    public bool TryEject()
    {
        lock (_lock)
        {
            if (_preventing.Count > 0)
                return false;
            _isEmpty = true;
            return true;
        }
    }

    /// <summary>True where the medium was not in.</summary>
    public bool Load()
    {
        lock (_lock)
        {
            bool wasEmpty = _isEmpty;
            _isEmpty = false;
            return wasEmpty;
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void TellIfAllowed()
    {
        if (_preventing.Count > 0)
            return;
        _allowed.TrySetResult();
        _allowed = NewSignal();
    }
}

namespace Qcow2Target.Iscsi.Sessions;

/// <summary>The tasks of a session: alive by tag, aborted but not yet quiet, and spare objects. Not thread-safe: used under the session's gate.</summary>
internal sealed class TaskTable(SessionCore core)
{
    private const int RememberedTags = 2 * IscsiLimits.MaxTasks;

    private readonly Dictionary<uint, ScsiTask> _alive = [];
    private readonly List<ScsiTask> _aborted = [];
    private readonly Stack<ScsiTask> _spare = new();
    private readonly uint[] _recentTags = new uint[RememberedTags];
    private int _nextRecent;
    private int _recentCount;

    public int AliveCount => _alive.Count;

    /// <summary>Objects that are not in the pool.</summary>
    public int InHandCount { get; private set; }

    /// <summary>Immediate commands that are alive.</summary>
    public int ImmediateCount { get; private set; }

    public ScsiTask? Find(uint initiatorTaskTag) => _alive.GetValueOrDefault(initiatorTaskTag);

    /// <summary>True where a write with this tag has left the table a short while ago: its data may still be under way.</summary>
    public bool WasRecent(uint initiatorTaskTag) => _recentTags.AsSpan(0, _recentCount).Contains(initiatorTaskTag);

    /// <summary>Data that arrives for this tag is of no interest any more.</summary>
    public void Remember(uint initiatorTaskTag)
    {
        _recentTags[_nextRecent] = initiatorTaskTag;
        _nextRecent = (_nextRecent + 1) % RememberedTags;
        _recentCount = Math.Min(_recentCount + 1, RememberedTags);
    }

    public ScsiTask Take()
    {
        InHandCount++;
        return _spare.TryPop(out var task) ? task : new ScsiTask(core);
    }

    public void Add(ScsiTask task)
    {
        _alive.Add(task.InitiatorTaskTag, task);
        if (task.IsImmediate) ImmediateCount++;
    }

    /// <summary>An alive task leaves the table.</summary>
    public void Remove(ScsiTask task)
    {
        _alive.Remove(task.InitiatorTaskTag);
        if (task.IsImmediate) ImmediateCount--;
        if (task.IsWrite) Remember(task.InitiatorTaskTag);
    }

    /// <summary>Nobody has the task in hand any more.</summary>
    public void Recycle(ScsiTask task)
    {
        if (task.State == TaskState.Aborted) _aborted.Remove(task);
        task.State = TaskState.Free;
        InHandCount--;
        if (_spare.Count < RememberedTags) _spare.Push(task);
    }

    /// <summary>
    /// Aborts what matches. Those that nobody has in hand are added to <paramref name="ended"/>; <paramref name="waiter"/> waits for the
    /// others, and for those that were aborted before and are not quiet yet. Returns how many were alive.
    /// </summary>
    public int Abort(TaskFilter filter, AbortWaiter waiter, List<ScsiTask> ended)
    {
        foreach (var task in _aborted)
        {
            if (filter.Matches(task) && task.Operations > task.HarmlessOperations) waiter.Add(task);
        }

        var firstNew = _aborted.Count;
        foreach (var task in _alive.Values)
        {
            if (filter.Matches(task)) _aborted.Add(task);
        }

        for (var i = firstNew; i < _aborted.Count; i++)
        {
            var task = _aborted[i];
            Remove(task);
            task.State = TaskState.Aborted;
            if (task.Operations == 0) ended.Add(task);
            else if (task.Operations > task.HarmlessOperations) waiter.Add(task);
        }

        return _aborted.Count - firstNew;
    }
}

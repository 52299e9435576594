using Qcow2Target.Actors.Disks;

namespace Qcow2Target.Actors.Targets;

/// <summary>
/// Brings the state to the state file, one write at a time; what changes meanwhile goes with the next, and all that waited for one are
/// answered together. Belongs to the manager.
/// </summary>
/// <param name="file">The state file.</param>
/// <param name="threads">Where it is written.</param>
/// <param name="manager">Gets <see cref="StateWritten"/>, for <see cref="Take"/>.</param>
/// <param name="state">What is to be in the file now.</param>
internal sealed class StateWriter(StateFile file, BlockingThreads threads, IActorRef manager, Func<StoredState> state)
{
    private List<PendingSave> _waiting = [];
    private bool _isWriting;
    private bool _isDue;

    /// <summary>The last write failed and no other is under way: the file may even hold what was refused, where only the last sync of the write failed.</summary>
    public bool IsBehind => HasFailed && !_isWriting;

    /// <summary>The last write that has ended failed.</summary>
    public bool HasFailed { get; private set; }

    public void Save(PendingSave waiter)
    {
        _waiting.Add(waiter);
        Save();
    }

    /// <summary>Saves though nobody waits for it.</summary>
    public void Save()
    {
        _isDue = true;
        if (!_isWriting)
            Write();
    }

    /// <summary>Answers those who waited. What they change and save by that waits until all of them have: the next write finds every refusal taken back.</summary>
    public void Take(StateWritten message)
    {
        HasFailed = message.Fault is not null;
        foreach (var waiter in message.Waiters)
        {
            if (message.Fault is null)
                waiter.Saved();
            else
                waiter.NotSaved(message.Fault);
        }
        _isWriting = false;
        if (_isDue)
            Write();
    }

    private void Write()
    {
        _isWriting = true;
        _isDue = false;
        var waiters = _waiting;
        _waiting = [];
        var written = state();
        threads.Run(() =>
        {
            file.Save(written);
            return true;
        }).PipeTo(manager, manager, success: _ => new StateWritten(waiters, null), failure: e => new StateWritten(waiters, e.Message));
    }
}

/// <summary>A write of the state file has ended. <paramref name="Fault"/>: why it failed, or null.</summary>
internal sealed record StateWritten(IReadOnlyList<PendingSave> Waiters, string? Fault);

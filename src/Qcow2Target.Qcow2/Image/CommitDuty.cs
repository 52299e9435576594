using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Qcow2.Image;

/// <summary>The writer's part of commits: when one begins, who waits for it, and what its end means for them.</summary>
internal sealed class CommitDuty(Committer committer, OperationQueue operations, LinkJournal journal, IBlockFile file, WriterJobs jobs, TimeProvider time)
{
    private List<FlushRequest> _flushes = [];
    private long? _oldestLinked;

    internal bool IsRunning => committer.Running is not null;

    /// <summary>Flushes that the next commit answers.</summary>
    internal int FlushesWaiting => _flushes.Count;

    /// <summary>Why the last commit failed, or null.</summary>
    internal ImageFault? LastFault { get; private set; }

    /// <summary>Time until what is linked is due; null: nothing is.</summary>
    internal TimeSpan? UntilDue
    {
        get
        {
            if (_oldestLinked is not { } since) return null;
            var left = WriterLimits.CommitDelay - time.GetElapsedTime(since);
            return left < TimeSpan.Zero ? TimeSpan.Zero : left;
        }
    }

    internal void Add(FlushRequest flush) => _flushes.Add(flush);

    internal void NoteLinked()
    {
        if (committer.HasLinked) _oldestLinked ??= time.GetTimestamp();
    }

    /// <summary>Begins a commit where one is due or wanted and none runs.</summary>
    /// <exception cref="ImageFaultException">With <see cref="ImageFaultKind.Corrupt"/>: a write would hit other data; none was made.</exception>
    internal void Advance()
    {
        if (IsRunning) return;
        var isDue = UntilDue == TimeSpan.Zero;
        var isWanted = committer.HasLinked && (operations.WantsCommit || journal.WantsCommit);
        if (_flushes.Count > 0 || isDue || isWanted || journal.WantsToCommitHeld) Begin();
        else if (!committer.HasLinked) foreach (var work in journal.WorkWhenCommitted(file)) jobs.Enqueue(work);
    }

    /// <exception cref="ImageFaultException">As <see cref="Advance"/>.</exception>
    internal void Begin()
    {
        _oldestLinked = null;
        var flushes = _flushes;
        _flushes = [];
        try
        {
            jobs.Enqueue(committer.Begin(flushes, journal.TakeForCommit(), journal.Log));
        }
        catch (ImageFaultException exception)
        {
            foreach (var flush in flushes) flush.Complete(exception.Fault);
            throw;
        }
    }

    /// <param name="commit">The job that has returned.</param>
    /// <param name="fail">Called, before anybody is answered, with why nothing more may be written.</param>
    internal void Finish(CommitWork commit, Action<ImageFault> fail)
    {
        foreach (var step in commit.First)
        {
            if (commit.Fault is null) operations.FinishCommitted(step, commit.Released);
            else operations.Finish(step, commit.Fault);
        }
        committer.Finish(commit);
        LastFault = commit.Fault;
        // Entries may be in the file that nobody sees: only opening anew can tell.
        if (commit.Fault is { } lost && commit.First.Count > 0) fail(lost);
        if (commit.Fault is not null && committer.HasLinked) _oldestLinked = time.GetTimestamp();
        if (commit.SyncFailed) fail(commit.Fault!);
        foreach (var flush in commit.Flushes) flush.Complete(commit.Fault);
    }

    /// <summary>Answers the flushes that no commit has taken.</summary>
    internal void FailWaiting(ImageFault fault)
    {
        foreach (var flush in _flushes) flush.Complete(MetadataWriter.FaultFor(flush, fault));
        _flushes.Clear();
    }
}

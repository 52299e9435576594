using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Qcow2.Image;

/// <summary>The way of an image to rest, phase by phase.</summary>
/// <param name="gate">The gate of in-place writes, shut when the close begins.</param>
/// <param name="commits">The writer's commits.</param>
/// <param name="allocator">Has reserved clusters to give back.</param>
/// <param name="releaser">Has freed clusters on their way.</param>
/// <param name="journal">Has the mark and the log to remove.</param>
/// <param name="file">The image.</param>
/// <param name="jobs">The writer's jobs.</param>
/// <param name="isFinished">Whether no write, zeroing, resize or check waits or is worked at.</param>
internal sealed class CloseSequence(
    WriteGate gate, CommitDuty commits, ClusterAllocator allocator, ClusterReleaser releaser, LinkJournal journal, IBlockFile file, WriterJobs jobs, Func<bool> isFinished)
{
    private Phase _phase;
    private int _epoch;

    private enum Phase
    {
        /// <summary>What was submitted is finished.</summary>
        Finishing,

        /// <summary>In-place writes that had begun are leaving.</summary>
        Quiescing,
        Committing,

        /// <summary>Freed clusters are on their way.</summary>
        Releasing,

        /// <summary>Unused reservations are given back, and the last sync is made.</summary>
        GivingBack,

        /// <summary>The mark of the pending log goes, and the log with it.</summary>
        Unmarking,
        Closed,
    }

    /// <summary>Null until a close has begun.</summary>
    internal CloseMode? Mode { get; private set; }

    internal bool IsAbandoning => Mode == CloseMode.Abandon;

    internal bool IsClosed => _phase == Phase.Closed;

    /// <summary>Something has to be asked again and again.</summary>
    internal bool Polls => _phase == Phase.Quiescing;

    /// <summary>Counts may still be raised and lowered for those who write.</summary>
    internal bool LeavesCounts => _phase > Phase.Finishing;

    internal void Begin(CloseMode mode) => Mode = IsAbandoning ? CloseMode.Abandon : mode;

    /// <summary>Nothing more is written. Closed once no job is out.</summary>
    /// <param name="fault">Null: it is dropped on purpose and shall not come back. What a failure left behind is brought home by the next open.</param>
    internal void Drop(ImageFault? fault)
    {
        if (jobs.Outstanding > 0) return;
        if (fault is null && journal.End(file, MarkRemoval.Lazy) is { } unmark) jobs.Enqueue(unmark);
        else _phase = Phase.Closed;
    }

    /// <summary>Goes on as far as it can without waiting.</summary>
    /// <exception cref="ImageFaultException">The last commit failed, or would hit other data.</exception>
    internal void Advance()
    {
        while (TryAdvance())
        {
        }
    }

    // True: the next phase has begun.
    private bool TryAdvance()
    {
        switch (_phase)
        {
            case Phase.Finishing when isFinished() && commits.FlushesWaiting == 0 && !commits.IsRunning && !allocator.IsWorking:
                _epoch = gate.Epoch.Phase;
                _phase = Phase.Quiescing;
                return true;

            case Phase.Quiescing:
                gate.Epoch.TryAdvance();
                gate.Epoch.TryAdvance();
                if (gate.Epoch.Phase - _epoch < ReaderEpoch.GraceSteps) return false;
                commits.Begin();
                _phase = Phase.Committing;
                return true;

            case Phase.Committing when !commits.IsRunning:
                if (commits.LastFault is { } fault) throw new ImageFaultException(fault);
                _phase = Phase.Releasing;
                if (releaser.Advance() is { } punch) jobs.Enqueue(punch);
                return true;

            case Phase.Releasing when !releaser.IsWaiting && jobs.Outstanding == 0:
                allocator.FreeReserved();
                jobs.Enqueue(allocator.WriteCounts(RefcountDurability.Durable));
                _phase = Phase.GivingBack;
                return true;

            case Phase.GivingBack when jobs.Outstanding == 0:
                _phase = Phase.Unmarking;
                if (journal.End(file, MarkRemoval.Durable) is { } unmark) jobs.Enqueue(unmark);
                return true;

            case Phase.Unmarking when jobs.Outstanding == 0:
                _phase = Phase.Closed;
                return false;

            default:
                return false;
        }
    }
}

using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Check;

/// <summary>
/// Brings an image that is served to a moment in which its file says all that is linked, and has it checked:
/// <code>
/// no step runs → commit → what was freed is punched and counted → check
/// </code>
/// Belongs to the writer.
/// </summary>
internal sealed class OnlineChecker(IBlockFile file, ClusterAllocator allocator, OperationQueue operations)
{
    private readonly Queue<CheckRequest> _waiting = new();
    private CheckRequest? _current;
    private Phase _phase;

    private enum Phase
    {
        Idle,

        /// <summary>Steps that had begun are ending.</summary>
        Quieting,
        Committing,

        /// <summary>Freed clusters are on their way.</summary>
        Settling,
        Checking,
    }

    internal bool IsIdle => _current is null && _waiting.Count == 0;

    /// <summary>No step of a write or zeroing, and no resize, may begin.</summary>
    internal bool HoldsSteps => _phase != Phase.Idle;

    /// <summary>No counts may be changed.</summary>
    internal bool HoldsCounts => _phase == Phase.Checking;

    internal void Add(CheckRequest request) => _waiting.Enqueue(request);

    /// <summary>Goes on as far as it can without waiting.</summary>
    /// <param name="othersAreIdle">No commit and no resize is under way.</param>
    /// <param name="countsAreSettled">What was freed is punched and counted, as far as it can be.</param>
    /// <param name="start">Takes the jobs that are to be run.</param>
    /// <param name="flush">Takes flushes for the next commit.</param>
    internal void Advance(bool othersAreIdle, bool countsAreSettled, Action<ImageWork> start, Action<FlushRequest> flush)
    {
        if (_phase == Phase.Idle && othersAreIdle && _waiting.TryDequeue(out var request)) (_current, _phase) = (request, Phase.Quieting);
        switch (_phase)
        {
            case Phase.Quieting when !operations.HasRunning:
                _phase = Phase.Committing;
                flush(new CommitBarrier(Committed));
                break;

            case Phase.Settling when othersAreIdle && countsAreSettled:
                _phase = Phase.Checking;
                start(new CheckWork(file, allocator.ReservedClusters()));
                break;
        }
    }

    internal void Finish(CheckWork work)
    {
        if (work.Fault is null) _current?.Report(work.Report!);
        End(work.Fault);
    }

    /// <summary>Everybody fails.</summary>
    internal void FailAll(ImageFault fault)
    {
        // What is being read ends by itself; nobody waits for it any more.
        if (_phase != Phase.Checking) End(fault);
        while (_waiting.TryDequeue(out var request)) request.Complete(fault);
    }

    private void Committed(ImageFault? fault)
    {
        if (_phase != Phase.Committing) return;
        if (fault is null) _phase = Phase.Settling;
        else End(fault);
    }

    private void End(ImageFault? fault)
    {
        var ended = _current;
        (_current, _phase) = (null, Phase.Idle);
        ended?.Complete(fault);
    }
}

using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// Writes and zeroings on their way, in the order in which they came. Tries the next step of each whenever it is asked to, and says what
/// those that cannot go on are waiting for.
/// </summary>
internal sealed class OperationQueue(ClusterGeometry geometry, WriterTables tables, StepRunner steps, LinkJournal journal, TimeProvider time)
{
    private readonly SpaceHold _spaceHold = new(time);
    private readonly List<(long Start, long End)> _heldUp = [];
    private List<Operation> _operations = [];

    internal int Count => _operations.Count;

    /// <summary>A step is being filled.</summary>
    internal bool HasRunning => _operations.Exists(operation => operation.IsRunning);

    /// <summary>Reserved clusters that those who wait need together, as of the last <see cref="Advance"/>.</summary>
    internal int ClustersWanted { get; private set; }

    /// <summary>Somebody waits for a commit, as of the last <see cref="Advance"/>.</summary>
    internal bool WantsCommit { get; private set; }

    /// <summary>The last <see cref="Advance"/> ended because it had looked through enough, not because there was no more to do.</summary>
    internal bool HasMore { get; private set; }

    /// <summary>How long a write or zeroing is held for space.</summary>
    internal TimeSpan SpacePatience
    {
        set => _spaceHold.Patience = value;
    }

    /// <summary>How long until somebody who is held for space tries again; null: nobody is held.</summary>
    internal TimeSpan? UntilRetry => _operations.Exists(operation => operation.SpaceFault is not null) ? _spaceHold.UntilRetry : null;

    internal void Add(Operation operation) => _operations.Add(operation);

    /// <summary>The disk ends there for what is planned from now on.</summary>
    internal void PlanFor(long diskEnd) => steps.PlanFor(diskEnd);

    /// <summary>Takes every operation as far as it goes without waiting. Completes those that end.</summary>
    /// <param name="commitFault">Why the last commit failed: then nobody waits for the next. Null: it did not.</param>
    /// <param name="start">Takes the jobs that are to be run.</param>
    /// <returns>A contradiction in the metadata that one of them met; null: none.</returns>
    internal ImageFault? Advance(ImageFault? commitFault, Action<ImageWork> start)
    {
        _heldUp.Clear();
        (ClustersWanted, WantsCommit, HasMore) = (0, false, false);
        ImageFault? corrupt = null;
        if (_operations.Count > 0)
        {
            var budget = new DrainBudget();
            _spaceHold.BeginRound();
            var kept = new List<Operation>(_operations.Count);
            foreach (var operation in _operations)
            {
                if (operation.IsRunning || corrupt is not null || !Proceed(operation, budget, commitFault, start, ref corrupt)) kept.Add(operation);
            }
            _operations = kept;
            HasMore = budget.IsSpent;
        }
        tables.SettleLoaded();
        return corrupt;
    }

    /// <summary>
    /// A step was filled, or its record was tried again. Faulted, its operation is completed; else it goes on with the next
    /// <see cref="Advance"/>, unless the journal holds it: then it comes here again.
    /// </summary>
    internal void Finish(Step step, ImageFault? fault)
    {
        var operation = step.Operation;
        if (fault is null)
        {
            if (!journal.MayLink(step)) return;
            steps.Link(step);
            operation.IsRunning = false;
            _spaceHold.Leave(operation);
            return;
        }
        operation.IsRunning = false;
        steps.Undo(step);
        if (fault.Kind == ImageFaultKind.NoSpace)
        {
            _spaceHold.Enter(operation, fault);
            return;
        }
        _operations.Remove(operation);
        operation.Request.Complete(fault);
    }

    /// <summary>A commit has brought a step that was held to the file.</summary>
    internal void FinishCommitted(Step step, ExtentList released)
    {
        steps.LinkCommitted(step, released);
        step.Operation.IsRunning = false;
    }

    /// <summary>A load has ended; if it failed, so have those who waited for the table.</summary>
    internal void Finish(LoadWork load)
    {
        tables.Loaded(load);
        if (load.Fault is { } fault) Fail(fault, operation => operation.AwaitedTable == load.L1Index);
    }

    /// <summary>Those who wait for clusters learn that there are none; the others go on.</summary>
    internal void FailForSpace(ImageFault fault)
    {
        ClustersWanted = 0;
        Fail(fault, operation => operation.AwaitsClusters);
    }

    /// <summary>The counts of the clusters that they wait for could not be written because the file system is full: they are held.</summary>
    internal void HoldForSpace(ImageFault fault)
    {
        ClustersWanted = 0;
        foreach (var operation in _operations)
            if (operation is { IsRunning: false, AwaitsClusters: true }) _spaceHold.Enter(operation, fault);
    }

    /// <summary>The image closes: who is held for space fails, and nobody is from now on.</summary>
    internal void EndHold() => _spaceHold.End();

    /// <summary>Everybody fails but those whose step is being filled; they do when it comes back.</summary>
    internal void FailAll(ImageFault fault) => Fail(fault, _ => true);

    private void Fail(ImageFault fault, Func<Operation, bool> choice)
    {
        var failed = _operations.Where(operation => !operation.IsRunning && choice(operation)).ToHashSet();
        _operations.RemoveAll(failed.Contains);
        foreach (var operation in failed) operation.Request.Complete(fault);
    }

    // True: the operation has ended and was completed.
    private bool Proceed(Operation operation, DrainBudget budget, ImageFault? commitFault, Action<ImageWork> start, ref ImageFault? corrupt)
    {
        operation.AwaitsClusters = false;
        operation.AwaitedTable = null;
        if (operation.SpaceFault is { } full)
        {
            switch (_spaceHold.Judge(operation))
            {
                case SpaceVerdict.Fail:
                    operation.Request.Complete(full);
                    return true;
                case SpaceVerdict.Wait:
                    _heldUp.Add(steps.NextClaim(operation));
                    return false;
                default:
                    operation.SpaceFault = null;
                    break;
            }
        }
        while (operation.Cursor < operation.End)
        {
            var claim = steps.NextClaim(operation);
            // Who came first goes first: nobody overtakes one that waits for the same clusters.
            foreach (var (from, to) in _heldUp)
                if (claim.Start < to && claim.End > from) return false;
            if (budget.IsSpent) return false;
            StepOutcome outcome;
            FillWork? fill;
            try
            {
                outcome = steps.Try(operation, out fill);
            }
            catch (ImageFaultException exception)
            {
                if (exception.Fault.Kind == ImageFaultKind.Corrupt) corrupt = exception.Fault;
                operation.Request.Complete(exception.Fault);
                return true;
            }
            switch (outcome)
            {
                case StepOutcome.Advanced:
                    if (operation.IsZeroing) budget.Spend(tables.IsAbsent(geometry.L1Index(claim.Start)), geometry.L2EntryCount);
                    continue;
                case StepOutcome.Started:
                    operation.IsRunning = true;
                    start(fill!);
                    return false;
                case StepOutcome.NeedsTable:
                    operation.AwaitedTable = geometry.L1Index(operation.Cursor);
                    if (tables.Load(operation.AwaitedTable.Value) is { } load) start(load);
                    break;
                case StepOutcome.NeedsClusters:
                    operation.AwaitsClusters = true;
                    ClustersWanted = Math.Min(WriterLimits.MaxRefillClusters, ClustersWanted + steps.ClustersNeeded);
                    break;
                case StepOutcome.NeedsCommit when commitFault is not null:
                    // Without a commit there is no room, and committing failed: nothing is gained by waiting.
                    operation.Request.Complete(commitFault);
                    return true;
                case StepOutcome.NeedsCommit:
                    WantsCommit = true;
                    break;
            }
            _heldUp.Add(claim);
            return false;
        }
        operation.Request.Complete(null);
        return true;
    }

    /// <summary>What one <see cref="MetadataWriter.Drain"/> may look through before it lets others go.</summary>
    private sealed class DrainBudget
    {
        private int _entries = WriterLimits.EntriesPerDrain;
        private int _absent = WriterLimits.AbsentTablesPerDrain;

        internal bool IsSpent => _entries <= 0 || _absent <= 0;

        internal void Spend(bool isAbsent, int entries)
        {
            if (isAbsent) _absent--;
            else _entries -= entries;
        }
    }
}

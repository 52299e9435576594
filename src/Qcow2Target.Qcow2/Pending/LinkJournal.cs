using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Pending;

/// <summary>What has to happen between the fill of a step and its link, after which it is seen and its request completes.</summary>
internal enum LinkRule
{
    /// <summary>Nothing: a killed process may lose what was not flushed. Where the owner gives no place for logs.</summary>
    AtOnce,

    /// <summary>Its record is in the pending log.</summary>
    Logged,

    /// <summary>Its entries are committed: where there is no word for a mark (version 2), where a replay would have to sync an external data file, too, or where the log cannot be written.</summary>
    CommitFirst,
}

/// <summary>
/// The writer's side of the pending log. A link is seen by in-place writes as soon as it is made, and those are acknowledged at once: so what makes it
/// safe comes first, the record (by the worker that filled the step, no further hop) or the commit. Steps that have to wait for it are held here.
/// The writer's alone, but for <see cref="Append"/>.
/// </summary>
internal sealed class LinkJournal(PendingLogs? logs, ImageHeader header, ClusterGeometry geometry)
{
    private List<Step> _held = [];
    private bool _isGivingUp;

    internal LinkRule Rule { get; private set; } = logs is null ? LinkRule.AtOnce
        : header.Version < 3 || header.Incompatible.HasFlag(IncompatibleFeatures.ExternalDataFile) ? LinkRule.CommitFirst
        : LinkRule.Logged;

    /// <summary>A log is to be begun, and its mark written, before the first link.</summary>
    internal bool NeedsLog => Rule == LinkRule.Logged && Log is null;

    /// <summary>The log, from the announcement of its mark to its end.</summary>
    internal PendingLog? Log { get; private set; }

    /// <summary>Steps are held that the next commit makes durable, and then links.</summary>
    internal bool WantsToCommitHeld => Rule == LinkRule.CommitFirst && _held.Count > 0;

    /// <summary>There will be no room, or no log, before what is linked is committed.</summary>
    internal bool WantsCommit => Log is { } log && (_held.Count > 0 || log.IsBroken || log.IsHalfFull);

    /// <summary>The announcement of a mark has ended.</summary>
    /// <param name="log">What was begun; null: nothing, tried again if <paramref name="fault"/> tells why, else commits come first.</param>
    internal void Begin(PendingLog? log, ImageFault? fault)
    {
        Log = log;
        if (log is null && fault is null && Rule == LinkRule.Logged) Rule = LinkRule.CommitFirst;
    }

    /// <summary>Prepares a step that is about to be filled: what the log will say of it.</summary>
    internal void Prepare(Step step, ClusterMap map)
    {
        if (Rule != LinkRule.Logged || step.Table is not { } table) return;
        var changes = new PendingChange[step.Changes.Count];
        for (var i = 0; i < changes.Length; i++)
        {
            var (index, entry) = step.Changes[i];
            changes[i] = new PendingChange(index, PendingEntry.Of(table.Table[index], geometry), PendingEntry.Of(entry, geometry));
        }
        step.Record = new PendingRecord(table.Table.L1Index, map.L1Raw(table.Table.L1Index), L1Entry.Owned(table.Table.Host).Raw, changes);
        step.Log = Log;
    }

    /// <summary>On the worker that has filled a step: everything that its record tells of is written.</summary>
    internal static void Append(Step step)
    {
        if (step.Record is null || step.Log is null) return;
        step.IsLogged = step.Log.Append(step.Record, out var sequence) == AppendOutcome.Appended;
        step.LogSequence = sequence;
    }

    /// <summary>A step was filled, or tried to append again. False: it is held, and comes back by <see cref="TakeHeld"/>.</summary>
    internal bool MayLink(Step step)
    {
        if (Rule == LinkRule.AtOnce || step.Table is null) return true;
        if (step.IsLogged)
        {
            step.Log!.Linked(step.LogSequence);
            return true;
        }
        _held.Add(step);
        return false;
    }

    internal List<Step> TakeHeld()
    {
        var held = _held;
        _held = [];
        return held;
    }

    /// <summary>The held steps that a commit shall link.</summary>
    internal List<Step> TakeForCommit() => WantsToCommitHeld ? TakeHeld() : [];

    /// <summary>Nothing is linked that is not committed. What can be done now about steps that are held.</summary>
    internal IEnumerable<ImageWork> WorkWhenCommitted(IBlockFile file)
    {
        if (Log is not { } log || (_held.Count == 0 && !log.IsBroken) || log.HasUnlinked || _isGivingUp) return [];
        if (!log.IsBroken) return TakeHeld().ConvertAll(step => new AppendWork(step));
        // Entries that a commit writes without a record would contradict the records that are there.
        _isGivingUp = true;
        return [new UnmarkWork(file, logs!, log, MarkRemoval.Durable)];
    }

    /// <summary>The job that takes the mark from the image and removes the log; null: there is none.</summary>
    internal UnmarkWork? End(IBlockFile file, MarkRemoval removal) => Log is { } log && !_isGivingUp ? new UnmarkWork(file, logs!, log, removal) : null;

    /// <summary>The mark is gone and so is the log.</summary>
    internal void Unmarked()
    {
        Log = null;
        _isGivingUp = false;
        Rule = LinkRule.CommitFirst;
    }
}

/// <summary>Tries once more to append the record of a step that found no room.</summary>
internal sealed class AppendWork(Step step) : ImageWork
{
    internal Step Step => step;

    private protected override void Run() => LinkJournal.Append(step);
}

using Qcow2Target.Actors.Disks;

namespace Qcow2Target.Actors.Targets.Work;

/// <summary>DETACHLUN, CLEARTARGET: takes LUNs out of service, waits until their images are complete on disk and closed, and saves.</summary>
internal sealed class TakeOutWork : TargetWork
{
    private readonly List<LunEntry> _open;
    private readonly string[] _paths;
    private readonly UnflushedData _unflushed;
    private readonly TargetDisks _disks;
    private readonly Func<IReadOnlyList<string>, object> _reply;
    private readonly LunProgress _progress;

    /// <param name="entries">The LUNs, which may be none.</param>
    /// <param name="unflushed">What becomes of data that are not on disk.</param>
    /// <param name="client">Who gets the answer.</param>
    /// <param name="disks">The target's disks.</param>
    /// <param name="reply">The answer, of the images' paths.</param>
    public TakeOutWork(IReadOnlyList<LunEntry> entries, UnflushedData unflushed, IActorRef client, TargetDisks disks, Func<IReadOnlyList<string>, object> reply)
        : base(client)
    {
        _open = [.. entries];
        _paths = [.. entries.Select(e => e.Path)];
        _unflushed = unflushed;
        _disks = disks;
        _reply = reply;
        _progress = new LunProgress(entries);
    }

    public override WorkStep Begin()
    {
        if (_open.Count == 0)
            return Save();   // an earlier command may have taken out what the state file still names
        _disks.TakeOutOfService(_open, _unflushed);
        return WorkStep.WaitsAnew;
    }

    public override WorkStep? Take(object message, IActorRef sender)
    {
        if (message is not DiskClosed || _open.Find(e => e.Actor.Equals(sender)) is not { } entry)
            return null;
        _open.Remove(entry);
        _disks.Drop(entry);
        return _open.Count > 0 ? WorkStep.Waits : Save();
    }

    public override WorkStep MissDeadline()
    {
        if (_progress.HasAdvanced())
            return WorkStep.WaitsAnew;
        var late = _open.Select(e => e.Path).ToArray();
        _disks.NoteLate(late);
        return new WorkStep.Over(Refusals.Detaching(late));
    }

    private WorkStep.Save Save() =>
        new([], Answer, reason => new WorkStep.Over(Refusals.StateNotSaved("the disk is free, but the state file still names it: " + reason)));

    private WorkStep.Over Answer()
    {
        if (_paths.Length > 0)
            _disks.NoteDetached(_paths);
        return new WorkStep.Over(_reply(_paths));
    }
}

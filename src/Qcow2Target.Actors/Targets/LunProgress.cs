namespace Qcow2Target.Actors.Targets;

/// <summary>Whether disks that a command waits for get on: a deadline counts from the last thing that got done.</summary>
internal sealed class LunProgress(IReadOnlyList<LunEntry> entries)
{
    private long _seen = Sum(entries);

    /// <summary>True where something got done since the last time.</summary>
    public bool HasAdvanced()
    {
        var now = Sum(entries);
        var advanced = now != _seen;
        _seen = now;
        return advanced;
    }

    private static long Sum(IReadOnlyList<LunEntry> entries) => entries.Sum(e => e.Port.Progress);
}

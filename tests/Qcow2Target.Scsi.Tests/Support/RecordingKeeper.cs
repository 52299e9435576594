using Qcow2Target.Scsi.Operations;

namespace Qcow2Target.Scsi.Tests.Support;

/// <summary>Remembers what a unit wanted kept of its sanitize operations.</summary>
internal sealed class RecordingKeeper : ISanitizeKeeper
{
    private readonly Lock _lock = new();
    private readonly List<SanitizeRecord?> _kept = [];

    /// <summary>What was kept, in order.</summary>
    public IReadOnlyList<SanitizeRecord?> Kept
    {
        get
        {
            lock (_lock)
                return [.. _kept];
        }
    }

    /// <summary>Called before a record is taken, which is kept when it answers true.</summary>
    public Func<SanitizeRecord?, bool> Takes { get; set; } = _ => true;

    public ValueTask<bool> TryKeepAsync(SanitizeRecord? record)
    {
        if (!Takes(record))
            return new(false);
        lock (_lock)
            _kept.Add(record);
        return new(true);
    }
}

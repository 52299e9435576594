namespace Qcow2Target.Actors.Targets;

/// <summary>The media whose sanitizing has not ended, attached or not. The manager changes them; anyone reads them.</summary>
public sealed class UnfinishedSanitizes
{
    private readonly Published<IReadOnlyList<StoredSanitize>> _records = new([]);

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<StoredSanitize> All => _records.Value;

    public StoredSanitize? Find(StoredFile file) => All.FirstOrDefault(r => r.File.Is(file));

    internal void Load(IReadOnlyList<StoredSanitize> records) => _records.Publish(records);

    /// <summary>Puts a record in the place of the file's former one, which is returned; null for none.</summary>
    internal StoredSanitize? Replace(StoredFile file, StoredSanitize? record)
    {
        var former = Find(file);
        _records.Publish([.. All.Where(r => !r.File.Is(file)), .. record is null ? Array.Empty<StoredSanitize>() : [record]]);
        return former;
    }

    /// <summary>Those of files that are attached nowhere do not go on. What goes over the limit is returned, and forgotten.</summary>
    internal IReadOnlyList<StoredSanitize> GiveUpAllBut(IEnumerable<StoredFile> attached)
    {
        if (All.Count == 0)
            return [];
        var files = attached.ToArray();
        StoredSanitize[] records = [.. All.Select(r => r.GivenUp || files.Any(f => IsOf(r, f)) ? r : r with { GivenUp = true })];
        var abandoned = records.Where(r => r.GivenUp && !files.Any(f => IsOf(r, f))).ToArray();
        var forgotten = abandoned[..Math.Max(0, abandoned.Length - ActorLimits.AbandonedSanitizes)];
        _records.Publish([.. records.Except(forgotten)]);
        return forgotten;
    }

    private static bool IsOf(StoredSanitize record, StoredFile file) => record.File.Is(file) || record.File.MayBe(file);
}

/// <summary>To the manager: keep that a medium is being sanitized, or (null) is not any more. <paramref name="Done"/> gets whether it is on stable storage.</summary>
internal sealed record KeepSanitize(StoredFile File, StoredSanitize? Sanitize, TaskCompletionSource<bool> Done);

using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Image;

/// <summary>How far a <see cref="RefcountWork"/> came: what may stand in the file decides what may be undone in memory.</summary>
internal enum RefcountStage
{
    /// <summary>Blocks may be written in part; no table entry points to a new one.</summary>
    Blocks,

    /// <summary>A sync failed: nothing is known.</summary>
    Sync,

    /// <summary>Blocks are durable; entries of the table, or the header, may have been written.</summary>
    Pointers,

    Done,
}

/// <summary>
/// Writes counts: first blocks (and a new table), then what points to them, each made durable before the next. Without anything that
/// relies on it (<see cref="RefcountDurability.Lazy"/>: counts that only went down) no sync is needed.
/// </summary>
internal sealed class RefcountWork(IBlockFile file, List<MetadataWrite> blocks, List<MetadataWrite> pointers, RefcountDurability durability) : ImageWork
{
    internal RefcountStage Stage { get; private set; } = RefcountStage.Blocks;

    internal List<MetadataWrite> Blocks => blocks;

    internal List<MetadataWrite> Pointers => pointers;

    /// <summary>Clusters that are reserved when it is done.</summary>
    internal List<Extent> Reserved { get; init; } = [];

    /// <summary>Clusters side by side that are counted when it is done, for whoever asked; none where its count is 0.</summary>
    internal Extent Kept { get; init; }

    /// <summary>Indices of refcount blocks that are new with it.</summary>
    internal List<int> NewBlocks { get; init; } = [];

    /// <summary>The table that is replaced by it, or null.</summary>
    internal OldRefcountTable? Replaced { get; init; }

    private protected override void Run()
    {
        foreach (var write in blocks) file.Write(write.Offset, write.Bytes);
        if (durability == RefcountDurability.Durable && blocks.Count + pointers.Count > 0) Sync(RefcountStage.Pointers);
        if (pointers.Count > 0)
        {
            foreach (var write in pointers) file.Write(write.Offset, write.Bytes);
            Sync(RefcountStage.Pointers);
        }
        Stage = RefcountStage.Done;
    }

    private void Sync(RefcountStage next)
    {
        Stage = RefcountStage.Sync;
        file.Sync();
        Stage = next;
    }
}

/// <summary>Whether counts are relied on.</summary>
internal enum RefcountDurability
{
    Lazy,
    Durable,
}

/// <summary>Where the refcount table was before it grew.</summary>
internal sealed record OldRefcountTable(Format.HostOffset Offset, int Clusters);

using System.Buffers.Binary;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Check;

/// <summary>What a repair may change.</summary>
public enum RepairScope
{
    /// <summary>Counts that are too high are lowered, if nothing else is wrong.</summary>
    Leaks,

    /// <summary>Counts and COPIED are made to say what is the case; the dirty and corrupt bits go.</summary>
    All,
}

/// <summary>What a repair has done.</summary>
/// <param name="Before">What was found.</param>
/// <param name="CountsRaised">Host clusters that were counted too seldom; with <paramref name="HasNewRefcounts"/> all of them.</param>
/// <param name="CountsLowered">Host clusters that were counted too often.</param>
/// <param name="EntriesChanged">L1 and L2 entries whose COPIED was set or cleared.</param>
/// <param name="HasNewRefcounts">The refcount table and its blocks were made anew behind the end of the file.</param>
public sealed record RepairReport(CheckReport Before, long CountsRaised, long CountsLowered, long EntriesChanged, bool HasNewRefcounts)
{
    public bool ChangedSomething => CountsRaised + CountsLowered + EntriesChanged > 0 || HasNewRefcounts;
}

/// <summary>
/// Makes counts and COPIED of an image right that nobody else has open. In this order, each step durable before the next: counts go up (or
/// all counts are written anew, and the header switches to them), COPIED is set where the count is 1 and cleared elsewhere, counts go down,
/// the dirty bit goes. A crash between two steps leaves an image that can be repaired again. Pointers are never changed: an image with a bad
/// one is refused before anything is written.
/// </summary>
public sealed class ImageRepair
{
    private readonly IBlockFile _file;
    private readonly ImageHeader _header;
    private readonly ClusterGeometry _geometry;
    private readonly ReferenceWalk _walk;
    private readonly CheckReport _before;

    private ImageRepair(IBlockFile file, ImageHeader header)
    {
        _file = file;
        _header = header;
        _geometry = ClusterGeometry.Of(header);
        (_walk, _before) = ImageChecker.Walk(file, header);
    }

    /// <summary>Repairs an image. Its locks are the caller's.</summary>
    /// <exception cref="Qcow2FormatException">It cannot be checked, or has damage that is not repaired; nothing was written.</exception>
    /// <exception cref="BlockFileException">The file could not be read or written; the repair may be done again.</exception>
    public static RepairReport Run(IBlockFile file, RepairScope scope)
    {
        var repair = new ImageRepair(file, ImageHeader.ReadFrom(file));
        return scope == RepairScope.Leaks ? repair.RepairLeaks() : repair.RepairAll(IncompatibleFeatures.Dirty | IncompatibleFeatures.Corrupt);
    }

    /// <summary>What an image with the dirty bit gets before it is written: all but the corrupt bit, which only somebody who asks for it has cleared.</summary>
    internal static RepairReport RunAtOpen(IBlockFile file, ImageHeader header) => new ImageRepair(file, header).RepairAll(IncompatibleFeatures.Dirty);

    private RepairReport RepairLeaks()
    {
        if (_before.Outcome != CheckOutcome.Leaks) return new RepairReport(_before, 0, 0, 0, false);
        ClearForeignMarks();
        return new RepairReport(_before, 0, Lower(), RepairCopied(_walk), false);
    }

    private RepairReport RepairAll(IncompatibleFeatures cleared)
    {
        if (_before.FirstUnrepairable is { } damage)
            throw new Qcow2FormatException(Qcow2FormatError.Inconsistent, damage.Offset, $"{damage}: this is not repaired, the image can only be opened read-only");
        var needsNew = _before.DamagesRefcounts || _walk.Used.Used().Any(cluster => !_walk.Refcounts.Covers(cluster));
        // Their own uses are not to be counted when new ones take their place.
        var rebuilt = needsNew ? RefcountRebuild.Prepare(_file, _header, _geometry) : null;
        ClearForeignMarks();
        var raised = rebuilt is null ? Raise() : rebuilt.Write();
        var changed = RepairCopied(rebuilt?.Walk ?? _walk);
        var lowered = rebuilt is null ? Lower() : 0;
        ClearBits(cleared);
        return new RepairReport(_before, raised, lowered, changed, rebuilt is not null);
    }

    // Whoever writes an image clears first what it does not know; counted bitmaps stay right, as no guest byte changes.
    private void ClearForeignMarks()
    {
        var kept = _header.Autoclear & (ulong)(AutoclearFeatures.Bitmaps | AutoclearFeatures.RawDataFile);
        if (kept != _header.Autoclear) WriteWord(ImageHeader.AutoclearField, kept);
    }

    private void ClearBits(IncompatibleFeatures cleared)
    {
        if ((_header.Incompatible & cleared) != 0) WriteWord(ImageHeader.IncompatibleField, (ulong)(_header.Incompatible & ~cleared));
    }

    private void WriteWord(int field, ulong value)
    {
        var bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        _file.Write(field, bytes);
        _file.Sync();
    }

    private long Raise()
    {
        long raised = 0;
        foreach (var cluster in _walk.Used.Used())
        {
            if (_walk.Refcounts.Get(cluster) >= _walk.Used[cluster]) continue;
            _walk.Refcounts.Set(cluster, _walk.Used[cluster]);
            raised++;
        }
        WriteCounts();
        return raised;
    }

    private long Lower()
    {
        if (!_walk.KnowsAllUses) return 0;
        long lowered = 0;
        var refcounts = _walk.Refcounts;
        for (var cluster = refcounts.FindCounted(0); cluster < refcounts.Reach; cluster = refcounts.FindCounted(cluster + 1))
        {
            if (refcounts.Get(cluster) <= _walk.Used[cluster]) continue;
            refcounts.Set(cluster, _walk.Used[cluster]);
            lowered++;
        }
        WriteCounts();
        return lowered;
    }

    private void WriteCounts()
    {
        var writes = _walk.Refcounts.TakeBlockWrites();
        if (writes.Count == 0) return;
        foreach (var write in writes) _file.Write(write.Offset, write.Bytes);
        _file.Sync();
    }

    private long RepairCopied(ReferenceWalk walk)
    {
        // What is counted too often and stays so is not exclusive for whoever reads the count.
        var isExact = walk != _walk || walk.KnowsAllUses;
        var repair = new CopiedRepair(_file, _header, _geometry, cluster => isExact ? walk.Used[cluster] : Math.Max(walk.Used[cluster], walk.Refcounts.Get(cluster)));
        var changed = repair.Run(walk.Tables);
        if (changed > 0) _file.Sync();
        return changed;
    }
}

using System.Buffers.Binary;
using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Image;

/// <summary>Whether the file knows a table that is being changed.</summary>
internal enum TableStanding
{
    /// <summary>Its L1 entry points to it.</summary>
    InFile,

    /// <summary>New, or the copy of a shared one: a commit writes it whole, and then its L1 entry.</summary>
    New,

    /// <summary>Written whole, but the commit failed before its L1 entry was there for sure: from now on changed like one that is in the file.</summary>
    Uncertain,
}

/// <summary>
/// An L2 table that the writer changes: pinned in the cache, with the sectors that differ from the file. The writer's alone.
/// </summary>
internal sealed class WriterTable
{
    /// <summary>A file system gives space in pages; what is not a hole now can be overwritten without asking for more.</summary>
    private const int PageBytes = 4096;

    private readonly ClusterGeometry _geometry;
    private readonly HashSet<int> _pagesInFile = [];

    internal WriterTable(L2Table table, ClusterGeometry geometry, TableStanding standing)
    {
        Table = table;
        Standing = standing;
        _geometry = geometry;
        Dirty = new SectorSet(geometry.ClusterBytes);
    }

    internal L2Table Table { get; }

    /// <summary>The sector of the table in which an entry stands.</summary>
    internal int SectorOf(int index) => index * _geometry.L2EntryBytes / ClusterGeometry.SectorBytes;

    internal TableStanding Standing { get; set; }

    /// <summary>Sectors changed since the last commit began.</summary>
    internal SectorSet Dirty { get; }

    /// <summary>A fill writes its space into being; nobody else links here until it is done.</summary>
    internal bool IsPreparing { get; set; }

    /// <summary>A commit that runs has its earlier changes.</summary>
    internal bool IsCommitting { get; set; }

    /// <summary>Steps that will link here.</summary>
    internal int Users { get; set; }

    /// <summary>The shared table that this one is a copy of: given up when the commit has switched the L1 entry.</summary>
    internal WriterTable? Original { get; set; }

    /// <summary>
    /// Writes that must have been made before an entry of these may be linked, so that a commit never asks the file system for space: pages
    /// of the table that may be holes (all zeros). They do not change the file's content.
    /// </summary>
    internal void AddPreparation(IEnumerable<int> indices, List<MetadataWrite> writes)
    {
        var pageBytes = Math.Min(PageBytes, _geometry.ClusterBytes);
        var wordsInPage = pageBytes / sizeof(ulong);
        var seen = -1;
        foreach (var index in indices)
        {
            var page = index * _geometry.L2EntryBytes / pageBytes;
            if (page == seen) continue;
            seen = page;
            if (_pagesInFile.Contains(page)) continue;
            if (Table.Words.Slice(page * wordsInPage, wordsInPage).ContainsAnyExcept(0UL)) _pagesInFile.Add(page);
            else writes.Add(new MetadataWrite(MetadataKind.L2Table, Table.Host.Value + ((long)page * pageBytes), new byte[pageBytes]));
        }
    }

    /// <summary>The preparation of these entries was written.</summary>
    internal void Prepared(IEnumerable<int> indices)
    {
        var pageBytes = Math.Min(PageBytes, _geometry.ClusterBytes);
        foreach (var index in indices) _pagesInFile.Add(index * _geometry.L2EntryBytes / pageBytes);
    }

    /// <summary>The table was written whole.</summary>
    internal void Prepared()
    {
        for (var page = 0; page * PageBytes < _geometry.ClusterBytes; page++) _pagesInFile.Add(page);
    }

    /// <summary>Bytes of the table as the file shall have them.</summary>
    /// <exception cref="ImageFaultException">With <see cref="ImageFaultKind.Corrupt"/>: an impossible entry stands there.</exception>
    internal byte[] Serialize(int offset, int length)
    {
        for (var index = offset / _geometry.L2EntryBytes; index < (offset + length) / _geometry.L2EntryBytes; index++)
            if (Table[index].Kind == L2EntryKind.Invalid)
                throw new ImageFaultException(new ImageFault(ImageFaultKind.Corrupt, $"an impossible L2 entry stands in the table at {Table.Host}"));
        var bytes = new byte[length];
        var words = Table.Words.Slice(offset / sizeof(ulong), length / sizeof(ulong));
        for (var i = 0; i < words.Length; i++) BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(i * sizeof(ulong)), words[i]);
        return bytes;
    }
}

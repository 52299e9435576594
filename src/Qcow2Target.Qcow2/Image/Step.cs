using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Qcow2.Image;

/// <summary>An entry that a step links when its fill is done.</summary>
internal readonly record struct EntryChange(int Index, L2Entry Entry);

/// <summary>Bytes side by side in a file.</summary>
internal readonly record struct ByteRange(long Start, long Length);

/// <summary>
/// The part of a request that is done at once: a stretch of guest bytes below one L2 table. From its reservation to its link it has the
/// guest clusters it touches for itself.
/// </summary>
internal sealed class Step
{
    internal required Operation Operation { get; init; }

    /// <summary>Guest bytes, whole clusters, that no other step touches meanwhile.</summary>
    internal required long ClaimStart { get; init; }

    internal required long ClaimEnd { get; init; }

    /// <summary>Where the request goes on after this step.</summary>
    internal required long Next { get; init; }

    /// <summary>The bytes of the request; null: zeros.</summary>
    internal ReadOnlyMemory<byte>? Data => Operation.Data;

    /// <summary>Guest offset of the first byte of <see cref="Data"/>.</summary>
    internal long DataStart => Operation.Start;

    /// <summary>The table that changes; null: all in place.</summary>
    internal WriterTable? Table { get; set; }

    internal List<EntryChange> Changes { get; } = [];

    internal List<FillPiece> Pieces { get; } = [];

    /// <summary>Stretches of the external data file that are zeroed before entries say so, in order.</summary>
    internal List<ByteRange> DataZeros { get; } = [];

    /// <summary>Reserved clusters that this step uses up.</summary>
    internal List<Extent> Taken { get; } = [];

    /// <summary>Metadata writes that make space and change no content.</summary>
    internal List<MetadataWrite> Preparation { get; } = [];

    /// <summary>This step brings <see cref="Table"/> into being.</summary>
    internal bool CreatesTable { get; set; }

    /// <summary>What the pending log is told of it once it is filled; null: nothing.</summary>
    internal PendingRecord? Record { get; set; }

    internal PendingLog? Log { get; set; }

    /// <summary>The log has the record, under <see cref="LogSequence"/>.</summary>
    internal bool IsLogged { get; set; }

    internal long LogSequence { get; set; }

    internal bool Overlaps(long start, long end) => start < ClaimEnd && end > ClaimStart;
}

/// <summary>A write or zeroing on its way, step by step.</summary>
internal sealed class Operation
{
    internal Operation(WriteRequest request)
    {
        (Request, Start, End, Data) = (request, request.Offset, request.Offset + request.Data.Length, request.Data);
        Cursor = Start;
    }

    internal Operation(ZeroRequest request)
    {
        (Request, Start, End, Space) = (request, request.Offset, request.Offset + request.Length, request.Space);
        Cursor = Start;
    }

    internal ImageRequest Request { get; }

    internal long Start { get; }

    internal long End { get; }

    /// <summary>Null: zeros.</summary>
    internal ReadOnlyMemory<byte>? Data { get; }

    internal ZeroSpace Space { get; }

    internal bool IsZeroing => Data is null;

    /// <summary>Guest offset up to which it is done.</summary>
    internal long Cursor { get; set; }

    /// <summary>The L2 table it waits for, where it does.</summary>
    internal int? AwaitedTable { get; set; }

    /// <summary>Too few clusters were reserved for its next step.</summary>
    internal bool AwaitsClusters { get; set; }

    /// <summary>The file system was full when it was tried last: it is held, or tries again. Null: it is not short of space.</summary>
    internal ImageFault? SpaceFault { get; set; }

    /// <summary>When it first found the file system full (a timestamp of the writer's clock).</summary>
    internal long? FullSince { get; set; }

    /// <summary>A step of it is being filled.</summary>
    internal bool IsRunning { get; set; }
}

using System.Buffers;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Qcow2.Image;

/// <summary>What stands beside the bytes of a request.</summary>
internal enum EdgeContent
{
    /// <summary>Zeros: the old bytes of the place mean nothing.</summary>
    Zeros,

    /// <summary>What the guest reads there now (copy on write).</summary>
    Copy,
}

/// <summary>
/// Bytes before or behind those of a request that are written with them, so that all that becomes data at once is whole: up to the edge of the
/// cluster, or of the sub-cluster. Never bytes that are data already: other writes may be changing those in place.
/// </summary>
/// <param name="Bytes">0: there is nothing to be written.</param>
internal readonly record struct FillEdge(EdgeContent Content, int Bytes);

/// <summary>One stretch of a fill.</summary>
/// <param name="Guest">Guest offset of the first byte of the request's that it writes.</param>
/// <param name="Length">Bytes of the request's.</param>
/// <param name="Host">Where the first of them goes in the file.</param>
/// <param name="Head">What is written before them.</param>
/// <param name="Tail">What is written behind them; with both edges it stays within one cluster.</param>
/// <param name="Fresh">Every byte of the host cluster is zero in the file.</param>
internal readonly record struct FillPiece(long Guest, int Length, long Host, FillEdge Head, FillEdge Tail, bool Fresh)
{
    internal bool HasEdges => (Head.Bytes | Tail.Bytes) != 0;
}

/// <summary>
/// Fill: writes a step's bytes and copy-on-write edges into reserved clusters, or into clusters in place, and the space of the table that
/// will point to them; in an external data file also what entries are about to call zeros; then the record of its link goes to the pending log. Runs
/// beside everything else: what it reads and writes belongs to its step.
/// </summary>
internal sealed class FillWork(Step step, Qcow2Layer layer, IBlockFile file) : ImageWork
{
    private const int ZeroChunk = 64 << 10;

    private static readonly byte[] Zeros = new byte[ZeroChunk];

    internal Step Step => step;

    private protected override void Run()
    {
        foreach (var write in step.Preparation) file.Write(write.Offset, write.Bytes);
        foreach (var range in step.DataZeros) ZeroData(range);
        foreach (var piece in step.Pieces)
        {
            if (piece.HasEdges) WriteWithEdges(piece);
            else Write(piece);
        }
        LinkJournal.Append(step);
    }

    private void Write(FillPiece piece)
    {
        if (step.Data is { } data)
        {
            layer.Data.Write(piece.Host, data.Span.Slice((int)(piece.Guest - step.DataStart), piece.Length));
            return;
        }
        WriteZeros(piece.Host, piece.Length);
    }

    private void WriteZeros(long host, long length)
    {
        for (long done = 0; done < length; done += ZeroChunk) layer.Data.Write(host + done, Zeros.AsSpan(0, (int)Math.Min(ZeroChunk, length - done)));
    }

    // Space is given back if the file system can; zeros have to be there only where the file is a raw image.
    private void ZeroData(ByteRange range)
    {
        if (!layer.Data.Punch(range.Start, range.Length) && layer.DataFile!.IsRaw) WriteZeros(range.Start, range.Length);
    }

    private void WriteWithEdges(FillPiece piece)
    {
        var from = piece.Head.Bytes;
        var to = from + piece.Length;
        var rented = ArrayPool<byte>.Shared.Rent(to + piece.Tail.Bytes);
        try
        {
            var buffer = rented.AsSpan(0, to + piece.Tail.Bytes);
            ReadEdge(piece.Head, piece.Guest - from, buffer[..from]);
            ReadEdge(piece.Tail, piece.Guest + piece.Length, buffer[to..]);
            if (piece.Fresh && !buffer[..from].ContainsAnyExcept((byte)0) && !buffer[to..].ContainsAnyExcept((byte)0))
            {
                Write(piece);
                return;
            }
            if (step.Data is { } data) data.Span.Slice((int)(piece.Guest - step.DataStart), piece.Length).CopyTo(buffer[from..]);
            else buffer[from..to].Clear();
            layer.Data.Write(piece.Host - from, buffer);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private void ReadEdge(FillEdge edge, long guest, Span<byte> destination)
    {
        // The last cluster may reach over the end of the disk; what a longer base has there is not copied.
        var inside = edge.Content == EdgeContent.Copy ? (int)Math.Clamp(layer.Length - guest, 0, destination.Length) : 0;
        if (inside > 0) layer.Read(guest, destination[..inside]);
        destination[inside..].Clear();
    }
}

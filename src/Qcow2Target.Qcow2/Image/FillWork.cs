using System.Buffers;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Image;

/// <summary>What stands in a new host cluster around the bytes of the request.</summary>
internal enum FillEdges
{
    /// <summary>Nothing is written around them: the cluster is there already, or is covered whole, or is all zeros in the file.</summary>
    None,

    /// <summary>Zeros: the cluster's old bytes mean nothing.</summary>
    Zeros,

    /// <summary>What the guest reads there now (copy on write).</summary>
    Copy,
}

/// <summary>One stretch of a fill.</summary>
/// <param name="Guest">Guest offset of the first byte of the request's that it writes.</param>
/// <param name="Length">Bytes of the request's.</param>
/// <param name="Host">Where the first of them goes in the file.</param>
/// <param name="Fresh">Every byte of the host cluster is zero in the file.</param>
internal readonly record struct FillPiece(long Guest, int Length, long Host, FillEdges Edges, bool Fresh);

/// <summary>
/// Fill: writes a step's bytes and copy-on-write edges into reserved clusters, or into clusters in place, and the space of the table that
/// will point to them. Runs beside everything else: what it reads and writes belongs to its step.
/// </summary>
internal sealed class FillWork(Step step, Qcow2Layer layer, IBlockFile file) : ImageWork
{
    private const int ZeroChunk = 64 << 10;

    private static readonly byte[] Zeros = new byte[ZeroChunk];

    internal Step Step => step;

    private protected override void Run()
    {
        foreach (var write in step.Preparation) file.Write(write.Offset, write.Bytes);
        foreach (var piece in step.Pieces)
        {
            if (piece.Edges == FillEdges.None) Write(piece);
            else WriteCluster(piece);
        }
    }

    private void Write(FillPiece piece)
    {
        if (step.Data is { } data)
        {
            file.Write(piece.Host, data.Span.Slice((int)(piece.Guest - step.DataStart), piece.Length));
            return;
        }
        for (var done = 0; done < piece.Length; done += ZeroChunk) file.Write(piece.Host + done, Zeros.AsSpan(0, Math.Min(ZeroChunk, piece.Length - done)));
    }

    private void WriteCluster(FillPiece piece)
    {
        var geometry = layer.Geometry;
        var buffer = ArrayPool<byte>.Shared.Rent(geometry.ClusterBytes);
        try
        {
            var cluster = buffer.AsSpan(0, geometry.ClusterBytes);
            var from = geometry.OffsetInCluster(piece.Guest);
            var to = from + piece.Length;
            cluster[..from].Clear();
            cluster[to..].Clear();
            if (piece.Edges == FillEdges.Copy)
            {
                var start = piece.Guest - from;
                // The last cluster may reach over the end of the disk; what a longer base has there is not copied.
                var end = (int)Math.Min(cluster.Length, layer.Length - start);
                layer.Read(start, cluster[..from]);
                if (end > to) layer.Read(start + to, cluster[to..end]);
                if (piece.Fresh && !cluster[..from].ContainsAnyExcept((byte)0) && !cluster[to..].ContainsAnyExcept((byte)0))
                {
                    Write(piece);
                    return;
                }
            }
            if (step.Data is { } data) data.Span.Slice((int)(piece.Guest - step.DataStart), piece.Length).CopyTo(cluster[from..]);
            else cluster[from..to].Clear();
            file.Write(piece.Host - from, cluster);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}

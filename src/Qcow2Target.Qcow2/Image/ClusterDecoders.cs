using System.IO.Compression;
using Qcow2Target.Interop;
using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// From the stream of a compressed cluster to its bytes. Total: whatever the stream says, no more than one cluster comes out and no more
/// memory than the window is taken. What follows the stream in its last sector is ignored.
/// </summary>
internal static class ClusterDecoders
{
    /// <summary>log2 of the largest window that a zstd frame may ask for: 8 MiB, four of the largest clusters.</summary>
    internal const int MaxZstdWindowLog = 23;

    /// <summary>True: the type is decoded on this machine. A library is looked for only where it is needed.</summary>
    internal static bool CanDecode(CompressionType type) => type == CompressionType.Deflate || (type == CompressionType.Zstd && Libzstd.IsPresent);

    /// <param name="cluster">Filled whole.</param>
    /// <exception cref="InvalidDataException">The stream is broken, or ends before the cluster does.</exception>
    internal static void Decode(CompressionType type, ArraySegment<byte> input, Span<byte> cluster)
    {
        if (type == CompressionType.Zstd) DecodeZstd(input, cluster);
        else DecodeDeflate(input, cluster);
    }

    // A stream that goes on behind the cluster gives its beginning; one that turns out broken where the cluster ends gives nothing.
    private static void DecodeDeflate(ArraySegment<byte> input, Span<byte> cluster)
    {
        using var stream = new DeflateStream(new MemoryStream(input.Array!, input.Offset, input.Count), CompressionMode.Decompress);
        if (stream.ReadAtLeast(cluster, cluster.Length, throwOnEndOfStream: false) < cluster.Length) throw new InvalidDataException("the stream ends before the cluster");
        Span<byte> behind = stackalloc byte[1];
        stream.ReadAtLeast(behind, 1, throwOnEndOfStream: false);
    }

    // One frame or several; the last must end where the cluster ends, else its length, and so its checksum, was not what was written.
    private static unsafe void DecodeZstd(ReadOnlySpan<byte> input, Span<byte> cluster)
    {
        var context = Libzstd.CreateContext();
        if (context == 0) throw Faults.Read("there is no memory for a zstd context");
        try
        {
            Require(Libzstd.SetParameter(context, Libzstd.WindowLogMax, MaxZstdWindowLog));
            fixed (byte* source = input)
            fixed (byte* target = cluster)
            {
                var from = new ZstdBuffer { Bytes = source, Size = (nuint)input.Length };
                var to = new ZstdBuffer { Bytes = target, Size = (nuint)cluster.Length };
                nuint left = 0;
                while (to.Position < to.Size)
                {
                    var before = from.Position + to.Position;
                    left = Libzstd.DecompressStream(context, ref to, ref from);
                    Require(left);
                    if (from.Position + to.Position == before) throw new InvalidDataException("the stream ends before the cluster");
                }
                if (left != 0) throw new InvalidDataException("the frame goes on behind the cluster");
            }
        }
        finally
        {
            Libzstd.FreeContext(context);
        }
    }

    private static void Require(nuint code)
    {
        if (Libzstd.IsError(code) != 0) throw new InvalidDataException($"zstd: {Libzstd.ErrorName(code)}");
    }
}

using System.Buffers;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// Decodes compressed clusters. All images together decode on a bounded number of processors, so that the others stay for those who need
/// none of it.
/// </summary>
internal sealed class Decompressor(ClusterGeometry geometry, IBlockFile file, CompressionType type, DecodedClusters kept)
{
    private static readonly SemaphoreSlim Processors = new(Math.Max(1, Environment.ProcessorCount - 1));

    /// <summary>Copies from a decoded cluster if it is one of those kept.</summary>
    internal bool TryRead(L2Entry entry, int offsetInCluster, Span<byte> destination) => kept.TryRead(entry.Stream, offsetInCluster, destination);

    /// <summary>Copies from a cluster, decoding it where needed.</summary>
    /// <exception cref="ImageFaultException">The stream is broken or too short, or the file reported an error.</exception>
    internal void Read(L2Entry entry, int offsetInCluster, Span<byte> destination)
    {
        if (TryRead(entry, offsetInCluster, destination)) return;
        if (!CompressedDescriptor.TryParse(entry.Stream, geometry, out var descriptor)) throw Faults.Read($"compressed entry 0x{entry.Stream:x} is impossible");
        var input = ArrayPool<byte>.Shared.Rent(descriptor.AvailableBytes);
        try
        {
            // The file first: a mount that answers no more must not keep a processor from the others.
            file.Read(descriptor.Host.Value, input.AsSpan(0, descriptor.AvailableBytes));
            Processors.Wait();
            try
            {
                // Whoever was here before may have decoded the same cluster for its neighbour.
                if (TryRead(entry, offsetInCluster, destination)) return;
                Decode(entry, new ArraySegment<byte>(input, 0, descriptor.AvailableBytes)).AsSpan(offsetInCluster, destination.Length).CopyTo(destination);
            }
            finally
            {
                Processors.Release();
            }
        }
        catch (InvalidDataException exception)
        {
            throw new ImageFaultException(new ImageFault(ImageFaultKind.ReadError, $"compressed cluster at {descriptor.Host} does not decode: {exception.Message}", exception));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(input);
        }
    }

    private byte[] Decode(L2Entry entry, ArraySegment<byte> input)
    {
        var cluster = new byte[geometry.ClusterBytes];
        ClusterDecoders.Decode(type, input, cluster);
        kept.Add(entry.Stream, cluster);
        return cluster;
    }
}

using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests.Load;

/// <summary>
/// Random operations: mostly short, some of a cluster and more, a few of a megabyte; often aligned to clusters, often on a small part of
/// the disk, so that the same clusters are met again in another state.
/// </summary>
internal sealed class DifferentialOperations(RandomSource random, byte[] model)
{
    private const int ClusterBlocks = 128;
    private readonly int _blocks = model.Length / 512;

    public DifferentialOperation Next()
    {
        DifferentialKind kind = random.Next(100) switch
        {
            < 40 => DifferentialKind.Read,
            < 80 => DifferentialKind.Write,
            < 82 => DifferentialKind.WriteThrough,
            < 86 => DifferentialKind.WriteSame,
            < 91 => DifferentialKind.WriteSameUnmap,
            < 98 => DifferentialKind.Unmap,
            _ => DifferentialKind.Flush,
        };
        if (kind == DifferentialKind.Flush) return new DifferentialOperation(kind, 0, 0, []);
        (int first, int count) = Range();
        return new DifferentialOperation(kind, first, count, DataOf(kind, count));
    }

    private (int First, int Count) Range()
    {
        int count = random.Next(100) switch
        {
            < 60 => random.Next(1, 17),
            < 95 => random.Next(1, 3 * ClusterBlocks),
            < 99 => random.Next(1, 4 * ClusterBlocks) / ClusterBlocks * ClusterBlocks + ClusterBlocks,
            _ => random.Next(1, 2049),
        };
        int first = random.Next(random.Once(3) ? Math.Min(_blocks, 4096) : _blocks);
        if (random.Once(4)) first = first / ClusterBlocks * ClusterBlocks;
        if (random.Once(50)) first = _blocks - Math.Min(count, _blocks);
        return (first, Math.Min(count, _blocks - first));
    }

    private byte[] DataOf(DifferentialKind kind, int count) => kind switch
    {
        DifferentialKind.WriteSame => Filled(512, (byte)random.Next(256)),
        DifferentialKind.Write or DifferentialKind.WriteThrough => random.Once(3) ? Filled(count * 512, (byte)random.Next(256)) : random.Bytes(count * 512),
        _ => [],
    };

    private static byte[] Filled(int bytes, byte value)
    {
        byte[] data = new byte[bytes];
        data.AsSpan().Fill(value);
        return data;
    }
}

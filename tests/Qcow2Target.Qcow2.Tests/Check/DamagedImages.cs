using System.Buffers.Binary;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Check;

/// <summary>Small images of all kinds that QEMU makes, and one damaged by each seed: bits flipped and fields changed where metadata lies.</summary>
internal static class DamagedImages
{
    private const string Preamble = """
        set -e
        C(){ qemu-img create -q -f qcow2 "$@"; };  IO(){ qemu-io -f qcow2 "$@"; }
        S(){ qemu-img snapshot -c "$1" "$2"; }

        """;

    private static readonly string[] Recipes =
    [
        "C t 2M && IO -c 'write -q -P 3 0 512k' -c 'write -q -z 1M 64k' t",
        "C -o cluster_size=512 t 512k && IO -c 'write -q -P 3 0 100k' -c 'write -q -P 4 300k 10k' t",
        "C -o cluster_size=4k t 2M && IO -c 'write -q -P 3 0 300k' t && S a t && IO -c 'write -q -P 4 100k 50k' t && S b t && IO -c 'write -q -P 5 0 10k' t",
        "C -o cluster_size=4k,refcount_bits=1 t 2M && IO -c 'write -q -P 3 0 300k' t",
        "C -o cluster_size=512,refcount_bits=2 t 1M && IO -c 'write -q -P 3 0 100k' t && S a t && IO -c 'write -q -P 4 10k 9k' t",
        "C -o cluster_size=4k,refcount_bits=8 t 2M && IO -c 'write -q -P 3 0 300k' -c 'discard 20k 40k' t",
        "C -o cluster_size=512,refcount_bits=64 t 1M && IO -c 'write -q -P 3 0 100k' t && S a t",
        "C -o cluster_size=16k,extended_l2=on t 4M && IO -c 'write -q -P 3 3k 5k' -c 'write -q -P 4 64k 64k' -c 'write -q -z 66k 2k' t",
        "dd if=/dev/zero bs=1k count=900 status=none | tr '\\0' 'x' > r && qemu-img convert -c -f raw -O qcow2 -o cluster_size=4k r t && IO -c 'write -q -P 4 10k 9k' t",
        "dd if=/dev/urandom bs=1k count=40 status=none > r && truncate -s 256k r && qemu-img convert -c -f raw -O qcow2 -o cluster_size=512 r t",
        "dd if=/dev/zero bs=1k count=900 status=none | tr '\\0' 'x' > r && qemu-img convert -c -f raw -O qcow2 -o compression_type=zstd r t && S a t",
        "C -o compat=0.10,cluster_size=4k t 2M && IO -c 'write -q -P 3 0 300k' t && S a t && IO -c 'write -q -P 4 100k 50k' t",
        "C -o preallocation=metadata,cluster_size=4k t 1M",
        "C -o lazy_refcounts=on,cluster_size=4k t 2M; IO -c 'write -q -P 5 0 200k' -c flush -c abort t || true",
        "C -o cluster_size=4k t 2M && IO -c 'write -q -P 5 0 200k' t && qemu-img bitmap --add --enable t b0 && IO -c 'write -q -P 5 0 300k' t",
    ];

    private static readonly Lazy<byte[][]> Originals = new(Make);

    internal static int Kinds => Recipes.Length;

    /// <summary>The image as QEMU made it.</summary>
    internal static byte[] Original(int kind) => Originals.Value[kind].ToArray();

    /// <summary>An image of one kind with one to three changes.</summary>
    /// <param name="words">What was changed.</param>
    internal static byte[] Damage(Random random, out string words)
    {
        var kind = random.Next(Kinds);
        var image = Original(kind);
        var places = Places(image);
        words = $"kind {kind}:";
        for (var change = random.Next(1, 4); change > 0; change--)
        {
            if (random.Next(40) == 0)
            {
                var length = random.Next(1, image.Length);
                words += $" cut to {length}";
                Array.Resize(ref image, length);
                continue;
            }
            var (name, start, bytes, unit) = places[random.Next(places.Count)];
            var at = start + (random.Next(Math.Max(1, bytes / unit)) * unit);
            if (at + unit > image.Length) continue;
            Change(image.AsSpan((int)at, unit), image, places, random);
            words += $" {name} at 0x{at:x}";
        }
        return image;
    }

    private static void Change(Span<byte> field, byte[] image, List<(string Name, long Start, int Bytes, int Unit)> places, Random random)
    {
        switch (random.Next(7))
        {
            case <= 1:
                field[random.Next(field.Length)] ^= (byte)(1 << random.Next(8));
                break;
            case 2:
                field.Clear();
                break;
            case 3:
                random.NextBytes(field);
                break;
            case 4 when field.Length == 8:
                // A host cluster of the file, with or without COPIED.
                var raw = (ulong)random.Next(image.Length / 512) * 512;
                BinaryPrimitives.WriteUInt64BigEndian(field, random.Next(2) == 0 ? raw : raw | (1UL << 63));
                break;
            case 5 when field.Length == 8:
                // An entry from elsewhere.
                var (_, start, bytes, _) = places[random.Next(places.Count)];
                var from = (int)start + (random.Next(Math.Max(1, bytes / 8)) * 8);
                if (from + 8 <= image.Length) image.AsSpan(from, 8).CopyTo(field);
                break;
            case 6 when field.Length == 8:
                var offset = BinaryPrimitives.ReadUInt64BigEndian(field);
                BinaryPrimitives.WriteUInt64BigEndian(field, offset + (ulong)(random.Next(-4, 5) * (1 << random.Next(9, 17))));
                break;
            default:
                field[random.Next(field.Length)] = (byte)random.Next(4);
                break;
        }
    }

    // Where metadata lies, each place as often as it is to be chosen.
    private static List<(string Name, long Start, int Bytes, int Unit)> Places(byte[] image)
    {
        var header = ImageHeader.Parse(Padded(image, 1 << 21).AsSpan(0, 1 << 21), image.Length);
        var geometry = ClusterGeometry.Of(header);
        var places = new List<(string, long, int, int)> { ("header", 8, 104, 4), ("header", 8, 24, 8), ("extensions", 104, 120, 1) };
        var l1Bytes = (int)Math.Min(header.L1Size * 8L, 64);
        places.Add(("L1", header.L1Table.Value, l1Bytes, 8));
        places.Add(("RT", header.RefcountTable.Value, 32, 8));
        for (var i = 0; i < 4; i++)
        {
            if (Word(image, header.RefcountTable.Value + (i * 8)) is var block and not 0) places.Add(("RB", (long)block, geometry.ClusterBytes / (i == 0 ? 16 : 1), 1));
        }
        for (var i = 0; i < l1Bytes / 8; i++)
        {
            if ((Word(image, header.L1Table.Value + (i * 8)) & 0x00ff_ffff_ffff_fe00) is var table and not 0)
            {
                places.Add(("L2", (long)table, Math.Min(geometry.ClusterBytes, 512), 8));
                places.Add(("L2", (long)table, Math.Min(geometry.ClusterBytes, 64), 8));
            }
        }
        if (header.SnapshotCount > 0)
        {
            places.Add(("snapshots", header.Snapshots.Value, 100, 4));
            var inactive = (long)Word(image, header.Snapshots.Value);
            places.Add(("inactive L1", inactive, 32, 8));
            if ((Word(image, inactive) & 0x00ff_ffff_ffff_fe00) is var table and not 0) places.Add(("inactive L2", (long)table, 256, 8));
        }
        return places;
    }

    private static ulong Word(byte[] image, long offset) => offset + 8 <= image.Length ? BinaryPrimitives.ReadUInt64BigEndian(image.AsSpan((int)offset)) : 0;

    private static byte[] Padded(byte[] image, int length)
    {
        var padded = new byte[Math.Max(length, image.Length)];
        image.CopyTo(padded, 0);
        return padded;
    }

    private static byte[][] Make() => Recipes.AsParallel().AsOrdered().WithDegreeOfParallelism(2).Select(recipe =>
    {
        using var directory = new TempDirectory();
        Tool.Run("bash", ["-c", $"cd {directory.Path}\n{Preamble}{recipe}"]).EnsureSuccess();
        return File.ReadAllBytes(directory["t"]);
    }).ToArray();
}

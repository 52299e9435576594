using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>How an image of the matrix is served.</summary>
public enum Served
{
    /// <summary>Read-write.</summary>
    Writable,

    /// <summary>Read-only; refused for writing.</summary>
    ReadOnly,

    /// <summary>Refused both ways.</summary>
    Refused,
}

/// <summary>One row of the matrix of images that QEMU makes, or that somebody has bent.</summary>
/// <param name="Name">Number and what it is about.</param>
/// <param name="Script">Shell commands that make <c>t.qcow2</c>, after <see cref="ImageMatrix.Preamble"/>.</param>
/// <param name="Refusal">Words that the refusal contains.</param>
public sealed record MatrixRow(string Name, Served Served, string Script, string Refusal = "")
{
    public override string ToString() => Name;
}

/// <summary>Images by the commands that make them.</summary>
internal static class ImageMatrix
{
    internal const string Preamble = """
        set -e
        C(){ qemu-img create -q -f qcow2 "$@"; };  IO(){ qemu-io -f qcow2 "$@"; }
        poke(){ printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }
        qemu-img create -q -f raw base.raw 4M; qemu-io -f raw -c 'write -q -P 0xb0 0 4M' base.raw
        C base.qcow2 4M; IO -c 'write -q -P 0xb1 0 4M' base.qcow2

        """;

    internal static readonly MatrixRow[] Rows =
    [
        new("1 version 2", Served.Writable, "C -o compat=0.10 t.qcow2 64M"),
        new("2 default", Served.Writable, "C t.qcow2 64M"),
        new("3 refcount table grows", Served.Writable, "C -o cluster_size=512 t.qcow2 16M && IO -c 'write -q -P 3 0 8M' t.qcow2"),
        new("4 4k clusters", Served.Writable, "C -o cluster_size=4k t.qcow2 1G"),
        new("5 2M clusters", Served.Writable, "C -o cluster_size=2M t.qcow2 1G"),
        new("6 two petabytes", Served.Writable, "C t.qcow2 2P"),
        new("7 partial last cluster", Served.Writable, "C t.qcow2 1000000"),
        new("8 empty disk", Served.Refused, "C t.qcow2 0", "empty disk"),
        new("9 refcount_bits 1", Served.Writable, "C -o refcount_bits=1 t.qcow2 64M && IO -c 'write -q -P 3 0 1M' t.qcow2"),
        new("10 refcount_bits 2, snapshots", Served.Writable, "C -o refcount_bits=2 t.qcow2 64M && IO -c 'write -q -P 3 0 1M' t.qcow2 && qemu-img snapshot -c a t.qcow2 && qemu-img snapshot -c b t.qcow2"),
        new("11 refcount_bits 4", Served.Writable, "C -o refcount_bits=4 t.qcow2 64M"),
        new("11b refcount_bits 8", Served.Writable, "C -o refcount_bits=8 t.qcow2 64M"),
        new("11c refcount_bits 32", Served.Writable, "C -o refcount_bits=32 t.qcow2 64M"),
        new("12 refcount_bits 64", Served.Writable, "C -o refcount_bits=64,cluster_size=512 t.qcow2 64M && IO -c 'write -q -P 3 0 8M' t.qcow2"),
        new("13 lazy refcounts, clean", Served.Writable, "C -o lazy_refcounts=on t.qcow2 64M && IO -c 'write -q -P 3 0 1M' t.qcow2"),
        new("14 lazy refcounts, dirty", Served.Writable, "C -o lazy_refcounts=on t.qcow2 64M; IO -c 'write -q -P 5 0 1M' -c flush -c abort t.qcow2 || true"),
        new("15 dirty but consistent", Served.Writable, "C t.qcow2 64M && IO -c 'write -q -P 3 0 1M' t.qcow2 && poke t.qcow2 79 '\\1'"),
        new("16 corrupt bit", Served.ReadOnly, "C t.qcow2 64M && IO -c 'write -q -P 3 0 1M' t.qcow2 && poke t.qcow2 79 '\\2'", "corrupt bit set"),
        new("17 unknown incompatible bit 40", Served.Refused, "C t.qcow2 64M && poke t.qcow2 74 '\\1'", "unknown incompatible feature bit 40"),
        new("17b unknown incompatible bit 5", Served.Refused, "C t.qcow2 64M && poke t.qcow2 79 '\\40'", "unknown incompatible feature bit 5"),
        new("18 unknown compatible bit", Served.Writable, "C t.qcow2 64M && poke t.qcow2 82 '\\1'"),
        new("19 unknown autoclear bit", Served.Writable, "C t.qcow2 64M && poke t.qcow2 90 '\\1'"),
        new("20 header of 104 bytes", Served.Writable, "C t.qcow2 4M && poke t.qcow2 103 '\\150'"),
        new("21 extended L2", Served.Writable, "C -o extended_l2=on -b base.qcow2 -F qcow2 t.qcow2 && IO -c 'write -q -P 1 5k 1k' -c 'write -q -z 8k 2k' t.qcow2"),
        new("22 extended L2, preallocated over a base", Served.Writable, "C -o extended_l2=on,cluster_size=16k,preallocation=metadata -b base.qcow2 -F qcow2 t.qcow2"),
        new("23 sub-cluster that is data and zeros", Served.ReadOnly, "C -o extended_l2=on t.qcow2 4M && IO -c 'write -q -P 3 0 64k' t.qcow2 && poke t.qcow2 262155 '\\1'", "impossible"),
        new("24 deflate", Served.Writable, "qemu-img convert -c -O qcow2 base.raw t.qcow2"),
        new("25 zstd", Served.Writable, "qemu-img convert -c -O qcow2 -o compression_type=zstd base.raw t.qcow2"),
        new("25b zstd across clusters", Served.Writable, "qemu-img convert -c -O qcow2 -o compression_type=zstd,cluster_size=512 base.raw t.qcow2"),
        new("25c zstd, refcount_bits 1", Served.Writable, "qemu-img convert -c -O qcow2 -o compression_type=zstd,refcount_bits=1 base.raw t.qcow2"),
        new("25d deflate, refcount_bits 1", Served.Writable, "qemu-img convert -c -O qcow2 -o refcount_bits=1,cluster_size=4k base.raw t.qcow2"),
        new("26 deflate across clusters", Served.Writable, "qemu-img convert -c -O qcow2 -o cluster_size=512 base.raw t.qcow2"),
        new("27 compressed over base", Served.Writable, "C -b base.qcow2 -F qcow2 t.qcow2 && IO -c 'write -q -c -P 1 64k 64k' t.qcow2"),
        new("28 compressed with a snapshot", Served.Writable, "qemu-img convert -c -O qcow2 base.raw t.qcow2 && qemu-img snapshot -c a t.qcow2"),
        new("29 zstd without its bit", Served.Refused, "C -o compression_type=zstd t.qcow2 64M && poke t.qcow2 79 '\\0'", "compression type 1"),
        new("31 external data file", Served.Refused, "C -o data_file=t.data t.qcow2 64M", "external data file"),
        new("32 preallocation metadata", Served.Writable, "C -o preallocation=metadata t.qcow2 64M"),
        new("32b preallocation falloc", Served.Writable, "C -o preallocation=falloc t.qcow2 64M"),
        new("32c preallocation full", Served.Writable, "C -o preallocation=full t.qcow2 64M"),
        new("33 raw base", Served.Writable, "C -b base.raw -F raw t.qcow2"),
        new("34 qcow2 base", Served.Writable, "C -b base.qcow2 -F qcow2 t.qcow2"),
        new("34b qcow2 base, version 2", Served.Writable, "C -o compat=0.10 -b base.qcow2 -F qcow2 t.qcow2"),
        new("35 longer than its base", Served.Writable, "C -b base.qcow2 -F qcow2 t.qcow2 8M"),
        new("35b version 2, longer than its base", Served.Writable, "C -o compat=0.10 -b base.qcow2 -F qcow2 t.qcow2 8M"),
        new("36 shorter than its base", Served.Writable, "C -b base.qcow2 -F qcow2 t.qcow2 1000k"),
        new("37 base ends within a sector", Served.Writable, "truncate -s 100001 base.raw && C -b base.raw -F raw t.qcow2 1M"),
        new("38 512 over 2M clusters", Served.Writable, "C -o cluster_size=2M b2.qcow2 8M && IO -c 'write -q -P 2 1M 1M' b2.qcow2 && C -o cluster_size=512 -b b2.qcow2 -F qcow2 t.qcow2"),
        new("38b 2M over 512 clusters", Served.Writable, "C -o cluster_size=512 b2.qcow2 8M && IO -c 'write -q -P 2 1M 1M' b2.qcow2 && C -o cluster_size=2M -b b2.qcow2 -F qcow2 t.qcow2"),
        new("39 chain of ten", Served.Writable, "p=base.qcow2; for i in 1 2 3 4 5 6 7 8 9 10; do C -b $p -F qcow2 c$i.qcow2 && IO -c \"write -q -P $i ${i}00k 64k\" c$i.qcow2; p=c$i.qcow2; done; mv c10.qcow2 t.qcow2"),
        new("40 base is missing", Served.Refused, "C -b base.qcow2 -F qcow2 t.qcow2 && rm base.qcow2", "base.qcow2"),
        new("41 no declared format, qcow2 by magic", Served.Writable, "C -b base.qcow2 -F qcow2 t.qcow2 && poke t.qcow2 112 '\\177'"),
        new("41b no declared format, not qcow2", Served.Refused, "C -b base.raw -F raw t.qcow2 && poke t.qcow2 112 '\\177'", "qemu-img rebase -u -F raw -b base.raw IMAGE"),
        new("42 qcow2 declared as raw", Served.Writable, "C -b base.qcow2 -F raw t.qcow2"),
        new("43 json name", Served.Refused, "C -u -b 'json:{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"base.raw\"}}' -F raw t.qcow2 4M", "json:"),
        new("44 protocol name", Served.Refused, "C -u -b nbd://127.0.0.1:10809/x -F raw t.qcow2 4M", "nbd:"),
        new("44b file: name", Served.Refused, "C -u -b file:base.qcow2 -F qcow2 t.qcow2 4M", "file:"),
        new("45 colon behind a slash", Served.Writable, "cp base.qcow2 a:b.qcow2 && C -b ./a:b.qcow2 -F qcow2 t.qcow2"),
        new("46 loop", Served.Refused, "C -u -b b.qcow2 -F qcow2 t.qcow2 4M && C -u -b t.qcow2 -F qcow2 b.qcow2 4M"),
        new("46b loop below", Served.Refused, "C -u -b b.qcow2 -F qcow2 c.qcow2 4M && C -u -b c.qcow2 -F qcow2 b.qcow2 4M; C -u -b b.qcow2 -F qcow2 t.qcow2 4M", "loops"),
        new("50 L2 entry points at L1", Served.ReadOnly, "C t.qcow2 4M && IO -c 'write -q -P 3 0 64k' t.qcow2 && poke t.qcow2 262144 '\\200\\0\\0\\0\\0\\3\\0\\0'"),
        new("51 cluster referenced twice", Served.ReadOnly, "C t.qcow2 4M && IO -c 'write -q -P 3 0 128k' t.qcow2 && poke t.qcow2 262144 '\\200\\0\\0\\0\\0\\6\\0\\0'"),
        new("52 unaligned L2 entry", Served.ReadOnly, "C t.qcow2 4M && IO -c 'write -q -P 3 0 64k' t.qcow2 && poke t.qcow2 262144 '\\200\\0\\0\\0\\0\\5\\2\\0'"),
        new("53 COPIED clear, count 1", Served.Writable, "C t.qcow2 4M && IO -c 'write -q -P 3 0 64k' t.qcow2 && poke t.qcow2 262144 '\\0'"),
        new("54 used cluster with count 0", Served.ReadOnly, "C t.qcow2 4M && IO -c 'write -q -P 3 0 64k' t.qcow2 && poke t.qcow2 131082 '\\0\\0'"),
        new("55 leaked cluster", Served.Writable, "C t.qcow2 4M && IO -c 'write -q -P 3 0 128k' t.qcow2 && poke t.qcow2 262152 '\\0\\0\\0\\0\\0\\0\\0\\0'"),
        new("56 zero flag in version 2", Served.ReadOnly, "C -o compat=0.10 t.qcow2 4M && IO -c 'write -q -P 3 0 64k' t.qcow2 && poke t.qcow2 262151 '\\1'"),
        new("57 L1 COPIED with offset 0", Served.Writable, "C t.qcow2 4M && poke t.qcow2 196608 '\\200\\0\\0\\0\\0\\0\\0\\0'"),
        new("58 refcount table points at itself", Served.ReadOnly, "C t.qcow2 64M && poke t.qcow2 65536 '\\0\\0\\0\\0\\0\\1\\0\\0'"),
        new("59 L1 larger than 32 MiB", Served.Refused, "C t.qcow2 4M && poke t.qcow2 36 '\\0\\100\\0\\1'", "L1 table"),
        new("60 65537 snapshots", Served.Refused, "C t.qcow2 4M && poke t.qcow2 60 '\\0\\1\\0\\1'", "snapshots"),
        new("60b backing name of 1024", Served.Refused, "C t.qcow2 4M && poke t.qcow2 8 '\\0\\0\\0\\0\\0\\0\\20\\0\\0\\0\\4\\0'", "backing file name"),
        new("60c extension length", Served.Refused, "C t.qcow2 4M && poke t.qcow2 116 '\\377\\377\\377\\377'", "header extension"),
        new("60d version 4", Served.Refused, "C t.qcow2 4M && poke t.qcow2 7 '\\4'", "version 4"),
        new("60e crypt_method 3", Served.Refused, "C t.qcow2 4M && poke t.qcow2 32 '\\0\\0\\0\\3'", "encryption method 3"),
        new("61 cut inside the last cluster", Served.Writable, "C t.qcow2 4M && IO -c 'write -q -P 3 0 128k' t.qcow2 && truncate -s -60000 t.qcow2"),
        new("62 cut by more than a cluster", Served.ReadOnly, "C t.qcow2 4M && IO -c 'write -q -P 3 0 128k' t.qcow2 && truncate -s -70000 t.qcow2"),
        new("63 snapshot, then written", Served.Writable, "C t.qcow2 64M && IO -c 'write -q -P 3 0 1M' t.qcow2 && qemu-img snapshot -c a t.qcow2 && IO -c 'write -q -P 4 0 64k' t.qcow2"),
        new("64 snapshot, then grown", Served.Writable, "C t.qcow2 64M && qemu-img snapshot -c a t.qcow2 && qemu-img resize -q t.qcow2 128M"),
        new("65 bitmaps", Served.Writable, "C t.qcow2 64M && qemu-img bitmap --add --enable t.qcow2 bm0"),
        new("66 AES", Served.Refused, "C --object secret,id=s,data=pw -o encrypt.format=aes,encrypt.key-secret=s t.qcow2 4M", "encrypted image (AES)"),
    ];

    /// <summary>Rows whose content differs from QEMU's on purpose: parts of them are errors here and garbage or zeros there.</summary>
    internal static readonly string[] ContentDiffers = ["23", "50", "52", "56", "62"];

    internal static string Make(TempDirectory directory, MatrixRow row)
    {
        Tool.Run("bash", ["-c", $"cd {directory.Path}\n{Preamble}{row.Script}"]).EnsureSuccess();
        return directory["t.qcow2"];
    }

    internal static TheoryData<int> Indices(Func<MatrixRow, bool> choice)
    {
        var data = new TheoryData<int>();
        for (var i = 0; i < Rows.Length; i++)
            if (choice(Rows[i])) data.Add(i);
        return data;
    }
}

using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Hostile;

/// <summary>Small valid images of all kinds, made by QEMU once for all tests that bend them.</summary>
internal static class SeedImages
{
    /// <summary>Their backing file, where they have one.</summary>
    public const string Base = "base.raw";

    private const string Script = """
        set -e
        C(){ qemu-img create -q -f qcow2 "$@"; };  IO(){ qemu-io -f qcow2 "$@" >/dev/null; }
        qemu-img create -q -f raw base.raw 300k; qemu-io -f raw -c 'write -q -P 0xb0 0 200k' base.raw
        data=(-c 'write -q -P 3 0 90k' -c 'write -q -P 4 200k 3k' -c 'write -q -z 100k 64k')
        C -o cluster_size=4k standard 300k; IO "${data[@]}" standard
        C -o cluster_size=512 small 300k; IO "${data[@]}" small
        C -o cluster_size=64k large 1M; IO "${data[@]}" large
        C -o cluster_size=4k,compat=0.10 version2 300k; IO -c 'write -q -P 3 0 90k' version2
        C -o cluster_size=4k,refcount_bits=1 narrow 300k; IO "${data[@]}" narrow
        C -o cluster_size=512,refcount_bits=64 wide 300k; IO "${data[@]}" wide
        C -o cluster_size=4k -b base.raw -F raw overlay; IO -c 'write -q -P 5 10k 30k' overlay
        C -o cluster_size=16k,extended_l2=on -b base.raw -F raw extended; IO -c 'write -q -P 5 10k 30k' -c 'write -q -z 64k 20k' -c 'write -q -P 6 100k 1k' extended
        qemu-img convert -c -O qcow2 -o cluster_size=4k base.raw deflate
        qemu-img convert -c -O qcow2 -o cluster_size=4k,compression_type=zstd base.raw zstd
        C -o cluster_size=4k snapshot 300k; IO "${data[@]}" snapshot; qemu-img snapshot -c one snapshot; IO -c 'write -q -P 7 4k 12k' snapshot; qemu-img snapshot -c two snapshot
        C -o cluster_size=4k bitmap 300k; qemu-img bitmap --add --enable bitmap b0; IO "${data[@]}" bitmap
        C -o cluster_size=4k,preallocation=metadata prealloc 300k
        """;

    private static readonly Lazy<Dictionary<string, byte[]>> Made = new(Make);

    public static IReadOnlyDictionary<string, byte[]> All => Made.Value;

    public static IReadOnlyList<string> Names { get; } =
        ["standard", "small", "large", "version2", "narrow", "wide", "overlay", "extended", "deflate", "zstd", "snapshot", "bitmap", "prealloc"];

    public static BentImage Bend(string name) => BentImage.Of(All[name]);

    private static Dictionary<string, byte[]> Make()
    {
        using var directory = new TempDirectory();
        Tool.Run("bash", ["-c", $"cd {directory.Path}\n{Script}"]).EnsureSuccess();
        return Names.Append(Base).ToDictionary(name => name, name => File.ReadAllBytes(directory[name]));
    }
}

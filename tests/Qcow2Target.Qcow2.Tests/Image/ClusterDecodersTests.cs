using System.Buffers.Binary;
using System.IO.Compression;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>Streams of compressed clusters, good and bent, each taken or refused as QEMU does; where we are stricter the case says so.</summary>
public sealed class ClusterDecodersTests : IDisposable
{
    private const int Cluster = 64 << 10;
    private const int StreamAt = 0x90000;

    private static readonly byte[] Content = MakeContent(Cluster);

    private readonly TempDirectory _directory = new();

    /// <summary>What is expected, and of whom.</summary>
    public enum Verdict
    {
        Decodes,
        Fails,

        /// <summary>QEMU decodes it; we do not.</summary>
        FailsHere,
    }

    public static TheoryData<string, Verdict> Deflate => new()
    {
        { "a stream", Verdict.Decodes },
        { "garbage behind the stream", Verdict.Decodes },
        { "stored blocks only", Verdict.Decodes },
        { "longer than the cluster", Verdict.Decodes },
        { "longer than the cluster by one byte", Verdict.Decodes },
        { "shorter than the cluster", Verdict.Fails },
        { "shorter than the cluster by one byte", Verdict.Fails },
        { "zlib header and checksum", Verdict.Fails },
        { "gzip header and checksum", Verdict.Fails },
        { "no final block, padding behind it", Verdict.Fails },
        { "no final block, nothing behind it", Verdict.Decodes },
        { "cut off", Verdict.Fails },
        { "all zeros", Verdict.Fails },
        { "all ones", Verdict.Fails },
        { "nothing but an empty final block", Verdict.Fails },
    };

    public static TheoryData<string, Verdict> Zstd => new()
    {
        { "one frame", Verdict.Decodes },
        { "garbage behind the frame", Verdict.Decodes },
        { "two frames", Verdict.Decodes },
        { "a skippable frame between two", Verdict.Decodes },
        { "frames of nothing before it", Verdict.Decodes },
        { "raw block", Verdict.Decodes },
        { "window of 8 MiB", Verdict.Decodes },
        { "window of 16 MiB", Verdict.FailsHere },
        { "window of 2 GiB", Verdict.Fails },
        { "window of 3 TiB", Verdict.Fails },
        { "shorter than the cluster", Verdict.Fails },
        { "shorter than the cluster by one byte", Verdict.Fails },
        { "longer than the cluster", Verdict.Fails },
        { "longer than the cluster by one byte", Verdict.Fails },
        { "more than its content size", Verdict.Fails },
        { "wrong checksum", Verdict.Fails },
        { "deflate", Verdict.Fails },
        { "reserved block type", Verdict.Fails },
        { "cut off", Verdict.Fails },
        { "all zeros", Verdict.Fails },
    };

    public void Dispose() => _directory.Dispose();

    [Theory]
    [MemberData(nameof(Deflate))]
    public void A_deflate_stream_is_taken_or_refused_as_in_QEMU(string name, Verdict verdict) =>
        Judge("compression_type=zlib", DeflateStreamOf(name), verdict);

    [Theory]
    [MemberData(nameof(Zstd))]
    public void A_zstd_stream_is_taken_or_refused_as_in_QEMU(string name, Verdict verdict) =>
        Judge("compression_type=zstd", ZstdStreamOf(name), verdict);

    [Theory]
    [InlineData(0, null)]
    [InlineData(1, "libzstd.so.1")]
    [InlineData(2, "compression type 2")]
    public void Without_libzstd_an_image_that_needs_it_is_refused_and_the_library_is_named(int type, string? refusal)
    {
        var exception = Record.Exception(() => ImageSupport.RequireDecoder((CompressionType)type, available => available == CompressionType.Deflate));
        if (refusal is null) Assert.Null(exception);
        else Assert.Contains(refusal, Assert.IsType<Qcow2FormatException>(exception).Message, StringComparison.Ordinal);
        Assert.True(ClusterDecoders.CanDecode(CompressionType.Zstd));
    }

    // Puts the stream behind all else in an image of one cluster, as its only data.
    private void Judge(string type, byte[] stream, Verdict verdict)
    {
        var path = _directory["t.qcow2"];
        QemuImg.Create(path, Cluster, type);
        QemuImg.Io(path, $"write 0 {Cluster}").EnsureSuccess();
        var bytes = File.ReadAllBytes(path);
        Array.Resize(ref bytes, StreamAt + ((stream.Length + 511) & ~511));
        stream.CopyTo(bytes, StreamAt);
        var table = (int)BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan((int)BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(40)))) & 0xffff00;
        var sectors = (ulong)((stream.Length + 511) / 512) - 1;
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(table), (1UL << 62) | (sectors << 54) | StreamAt);
        File.WriteAllBytes(path, bytes);

        var converted = QemuImg.Run("convert", "-f", "qcow2", "-O", "raw", path, _directory["t.raw"]);
        Assert.Equal(verdict != Verdict.Fails, converted.Succeeded);

        var images = new TestImages();
        images.Files["t"] = MemoryBlockFile.LoadFrom(path);
        using var image = images.Open("t", ImageAccess.ReadOnly);
        var read = new byte[Cluster];
        if (verdict != Verdict.Decodes)
        {
            var fault = Assert.Throws<ImageFaultException>(() => image.Read(0, read));
            Assert.Equal(ImageFaultKind.ReadError, fault.Fault.Kind);
            return;
        }
        image.Read(0, read);
        Assert.Equal(File.ReadAllBytes(_directory["t.raw"]), read);
    }

    private static byte[] DeflateStreamOf(string name)
    {
        switch (name)
        {
            case "a stream": return Deflated(Content);
            case "garbage behind the stream": return [.. Deflated(Content), 1, 2, 3, 4];
            case "stored blocks only": return Deflated(Content, CompressionLevel.NoCompression);
            case "longer than the cluster": return Deflated(MakeContent(Cluster * 2));
            case "longer than the cluster by one byte": return Deflated(MakeContent(Cluster + 1));
            case "shorter than the cluster": return Deflated(MakeContent(Cluster / 2));
            case "shorter than the cluster by one byte": return Deflated(MakeContent(Cluster - 1));
            case "zlib header and checksum":
                var zlib = new MemoryStream();
                using (var stream = new ZLibStream(zlib, CompressionLevel.Optimal, leaveOpen: true)) stream.Write(Content);
                return zlib.ToArray();
            case "gzip header and checksum":
                var gzip = new MemoryStream();
                using (var stream = new GZipStream(gzip, CompressionLevel.Optimal, leaveOpen: true)) stream.Write(Content);
                return gzip.ToArray();
            case "no final block, padding behind it":
            case "no final block, nothing behind it":
                var target = new MemoryStream();
                using (var stream = new DeflateStream(target, CompressionLevel.Optimal))
                {
                    stream.Write(Content);
                    stream.Flush();
                    var open = target.ToArray();
                    if (name == "no final block, padding behind it") return [.. open, .. new byte[600]];
                    // Empty stored blocks, up to the end of a sector.
                    while (open.Length % 512 != 0) open = [.. open, 0, 0, 0, 0xff, 0xff];
                    return open;
                }
            case "cut off": return Deflated(Content)[..1024];
            case "all zeros": return new byte[2000];
            case "all ones": return [.. Enumerable.Repeat((byte)0xff, 2000)];
            case "nothing but an empty final block": return [3, 0];
            default: throw new ArgumentOutOfRangeException(nameof(name));
        }
    }

    private static byte[] Deflated(byte[] content, CompressionLevel level = CompressionLevel.Optimal)
    {
        var target = new MemoryStream();
        using (var stream = new DeflateStream(target, level, leaveOpen: true)) stream.Write(content);
        return target.ToArray();
    }

    // Frames by hand (RFC 8878), of blocks that repeat one byte: magic, descriptor, window or content size, blocks.
    private static byte[] ZstdStreamOf(string name) => name switch
    {
        "one frame" => Frame(Cluster),
        "garbage behind the frame" => [.. Frame(Cluster), 0x28, 0xb5, 0x2f, 0xfd, 0xff, 0xff],
        "two frames" => [.. Frame(Cluster / 2), .. Frame(Cluster / 2, value: 9)],
        "a skippable frame between two" => [.. Frame(Cluster / 2), 0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3, .. Frame(Cluster / 2)],
        "frames of nothing before it" => [.. Frame(0), .. Frame(0), .. Frame(Cluster)],
        "raw block" => [0x28, 0xb5, 0x2f, 0xfd, 0xa0, .. LittleEndian(Cluster), .. BlockHeader(last: true, type: 0, Cluster), .. Content],
        "window of 8 MiB" => Windowed(exponent: 13, Cluster),
        "window of 16 MiB" => Windowed(exponent: 14, Cluster),
        "window of 2 GiB" => Windowed(exponent: 21, Cluster),
        "window of 3 TiB" => Windowed(exponent: 31, Cluster),
        "shorter than the cluster" => Frame(Cluster / 2),
        "shorter than the cluster by one byte" => Frame(Cluster - 1),
        "longer than the cluster" => Frame(Cluster * 2),
        "longer than the cluster by one byte" => Windowed(exponent: 10, Cluster + 1),
        "more than its content size" => [0x28, 0xb5, 0x2f, 0xfd, 0xa0, .. LittleEndian(Cluster / 2), .. BlockHeader(last: true, type: 1, Cluster), 7],
        "wrong checksum" => [0x28, 0xb5, 0x2f, 0xfd, 0xa4, .. LittleEndian(Cluster), .. BlockHeader(last: true, type: 1, Cluster), 7, 1, 2, 3, 4],
        "deflate" => Deflated(Content),
        "reserved block type" => [0x28, 0xb5, 0x2f, 0xfd, 0xa0, .. LittleEndian(Cluster), .. BlockHeader(last: true, type: 3, Cluster), 7],
        "cut off" => Frame(Cluster)[..7],
        "all zeros" => new byte[600],
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    };

    private static byte[] Frame(int length, byte value = 7) =>
        [0x28, 0xb5, 0x2f, 0xfd, 0xa0, .. LittleEndian(length), .. BlockHeader(last: true, type: 1, length), value];

    private static byte[] Windowed(int exponent, int length) =>
        [0x28, 0xb5, 0x2f, 0xfd, 0, (byte)(exponent << 3), .. BlockHeader(last: true, type: 1, length), 7];

    private static byte[] BlockHeader(bool last, int type, int size) => LittleEndian((last ? 1 : 0) | (type << 1) | (size << 3))[..3];

    private static byte[] LittleEndian(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return bytes;
    }

    private static byte[] MakeContent(int length)
    {
        var random = new Random(7);
        var content = new byte[length];
        for (var i = 0; i < length; i++) content[i] = (byte)(i / 700 * 3 + (random.Next(6) == 0 ? random.Next(256) : 0));
        return content;
    }
}

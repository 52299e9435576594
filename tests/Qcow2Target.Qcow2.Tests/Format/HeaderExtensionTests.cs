using System.Buffers.Binary;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Format;

public sealed class HeaderExtensionTests : IDisposable
{
    private const int ClusterBytes = 65536;

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(0u)]
    [InlineData(8u)]
    [InlineData(ClusterBytes - 2000u)]
    [InlineData(ClusterBytes)]
    [InlineData(uint.MaxValue)]
    public void An_end_marker_with_a_length_is_taken_as_qemu_takes_it(uint length)
    {
        var path = _directory["a.qcow2"];
        QemuImg.Create(path, 1 << 20);
        var image = File.ReadAllBytes(path);
        var end = EndMarker(image);
        BinaryPrimitives.WriteUInt32BigEndian(image.AsSpan(end + 4), length);
        File.WriteAllBytes(path, image);

        var isTaken = QemuImg.Run("info", path).ExitCode == 0;
        Assert.Equal(length < ClusterBytes, isTaken);
        if (isTaken)
            Assert.NotEmpty(ImageHeader.Parse(image.AsSpan(0, ClusterBytes), image.Length).Extensions);
        else
            Assert.Equal(end, Assert.Throws<Qcow2FormatException>(() => ImageHeader.Parse(image.AsSpan(0, ClusterBytes), image.Length)).Offset);
    }

    private static int EndMarker(byte[] image)
    {
        var at = (int)BinaryPrimitives.ReadUInt32BigEndian(image.AsSpan(100));
        while (BinaryPrimitives.ReadUInt32BigEndian(image.AsSpan(at)) != 0)
            at += 8 + (int)((BinaryPrimitives.ReadUInt32BigEndian(image.AsSpan(at + 4)) + 7) & ~7u);
        return at;
    }
}

using System.Buffers.Binary;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Format;

public sealed class ImageHeaderTests(ITestOutputHelper output)
{
    [Fact]
    public void A_new_image_is_read_as_it_was_asked_for()
    {
        var header = ImageHeader.Parse(Sample(), 1 << 20);
        Assert.Equal((3, 16, 64L << 20), (header.Version, header.ClusterBits, header.Size));
        Assert.Equal(("base.qcow2", "qcow2"), (header.BackingName, header.BackingFormat));
    }

    [Theory]
    [InlineData(0, 0x51464900, Qcow2FormatError.NotQcow2)]
    [InlineData(4, 1, Qcow2FormatError.UnsupportedVersion)]
    [InlineData(4, 4, Qcow2FormatError.UnsupportedVersion)]
    [InlineData(20, 8, Qcow2FormatError.Malformed)]
    [InlineData(20, 22, Qcow2FormatError.Malformed)]
    [InlineData(16, 1024, Qcow2FormatError.Malformed)]
    [InlineData(24, 0x80000000, Qcow2FormatError.Malformed)]
    [InlineData(32, 3, Qcow2FormatError.Malformed)]
    [InlineData(36, 0, Qcow2FormatError.Malformed)]
    [InlineData(36, 0x400001, Qcow2FormatError.Malformed)]
    [InlineData(44, 0x30001, Qcow2FormatError.Malformed)]
    [InlineData(56, 0, Qcow2FormatError.Malformed)]
    [InlineData(56, 129, Qcow2FormatError.Malformed)]
    [InlineData(60, 65537, Qcow2FormatError.Malformed)]
    [InlineData(96, 7, Qcow2FormatError.Malformed)]
    [InlineData(100, 96, Qcow2FormatError.Malformed)]
    [InlineData(100, 108, Qcow2FormatError.Malformed)]
    [InlineData(100, 0x20000, Qcow2FormatError.Malformed)]
    [InlineData(104, 0x01000000, Qcow2FormatError.Malformed)]
    [InlineData(116, 0xffffffff, Qcow2FormatError.Malformed)]
    public void A_field_out_of_its_range_is_refused_with_its_place(int field, uint value, Qcow2FormatError error)
    {
        var header = Sample();
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(field), value);
        var refusal = Assert.Throws<Qcow2FormatException>(() => ImageHeader.Parse(header, 1 << 20));
        output.WriteLine(refusal.Message);
        Assert.Equal(error, refusal.Error);
        Assert.InRange(refusal.Offset, 0, 120);
    }

    [Fact]
    public void An_unknown_feature_is_named_by_the_images_own_table_made_printable()
    {
        var table = new byte[48];
        (table[0], table[1]) = (0, 40);
        "evil\n\x1b[2J"u8.CopyTo(table.AsSpan(2));
        var names = new HeaderExtension(HeaderExtensionType.FeatureNames, 0, table);
        Assert.Equal("evil??[2J", FeatureNames.OfIncompatible(40, [names]));
        Assert.Null(FeatureNames.OfIncompatible(41, [names]));
    }

    [Fact]
    public void Any_bytes_end_in_a_header_or_a_refusal()
    {
        var random = new RandomSource(output.WriteLine);
        var (parsed, refused) = (0, 0);
        for (var round = 0; round < 3000; round++)
        {
            var header = Sample();
            for (var flips = random.Next(1, 6); flips > 0; flips--) header[random.Next(160)] = (byte)random.Next(256);
            if (random.Once(10)) header = header[..random.Next(header.Length)];
            try
            {
                ImageHeader.Parse(header, random.Once(4) ? random.Next(200) : 1 << 20);
                parsed++;
            }
            catch (Qcow2FormatException)
            {
                refused++;
            }
        }
        Assert.True(parsed > 100 && refused > 100, $"{parsed} parsed, {refused} refused");
    }

    private static byte[] Sample()
    {
        var file = new MemoryBlockFile();
        ImageCreator.Create(file, new ImageCreateOptions { VirtualSize = 64 << 20, BackingName = "base.qcow2", BackingFormat = "qcow2" });
        var cluster = new byte[65536];
        file.Read(0, cluster);
        return cluster;
    }
}

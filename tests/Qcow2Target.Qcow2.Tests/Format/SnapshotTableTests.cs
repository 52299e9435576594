using System.Buffers.Binary;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Format;

public sealed class SnapshotTableTests(ITestOutputHelper output)
{
    [Fact]
    public void Snapshots_of_QEMU_are_found_with_their_names_and_tables()
    {
        using var directory = new TempDirectory();
        QemuImg.Create(directory["t"], 1 << 20);
        foreach (var name in new[] { "first", "zweiter" }) QemuImg.Run("snapshot", "-c", name, directory["t"]).EnsureSuccess();
        var file = MemoryBlockFile.LoadFrom(directory["t"]);
        var header = ImageHeader.ReadFrom(file);

        var table = SnapshotTable.ReadFrom(file, header);

        Assert.Equal(["1 (first)", "2 (zweiter)"], table.Snapshots.Select(snapshot => snapshot.Name));
        Assert.All(table.Snapshots, snapshot => Assert.True(snapshot is { HasValidL1: true, IsComplete: true, L1Size: 1 } && snapshot.L1Table.Value % 65536 == 0));
        Assert.Equal(0, table.Bytes % 8);
        Assert.InRange(table.Bytes, 2 * 64, 2 * 128);
    }

    [Fact]
    public void An_image_without_snapshots_has_an_empty_table() => Assert.Equal(0, SnapshotTable.ReadFrom(new MemoryBlockFile(), HeaderWith(0, 0)).Bytes);

    [Fact]
    public void Extra_data_of_more_than_1024_bytes_is_refused()
    {
        var file = new MemoryBlockFile();
        file.Write(65536 + 36, [0, 0, 4, 1]);

        var refusal = Assert.Throws<Qcow2FormatException>(() => SnapshotTable.ReadFrom(file, HeaderWith(1, 65536)));

        Assert.Equal((Qcow2FormatError.Malformed, 65536L), (refusal.Error, refusal.Offset));
    }

    [Fact]
    public void A_table_of_more_than_64_MiB_is_refused_before_it_is_held()
    {
        // Every entry has the longest ID and name.
        var file = new MemoryBlockFile(512 << 20);
        long position = 65536;
        for (var i = 0; i < 600; i++)
        {
            file.Write(position + 12, [0xff, 0xff, 0xff, 0xff]);
            position += (40 + (2 * 65535) + 7) & ~7;
        }
        var before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Throws<Qcow2FormatException>(() => SnapshotTable.ReadFrom(file, HeaderWith(65536, 65536)));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 << 20);
    }

    [Fact]
    public void What_an_entry_says_of_its_L1_table_is_judged_and_not_followed()
    {
        var file = new MemoryBlockFile();
        file.Write(65536, [0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1]);
        file.Write(65536 + 40, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]);
        file.Write(65536 + 80, [0, 0, 0, 0, 0, 3, 0, 0, 0, 0x40, 0, 1]);

        Assert.All(SnapshotTable.ReadFrom(file, HeaderWith(3, 65536)).Snapshots, snapshot => Assert.False(snapshot.HasValidL1));
    }

    [Fact]
    public void Any_bytes_end_in_a_table_or_a_typed_error()
    {
        var random = new RandomSource(output.WriteLine);
        for (var i = 0; i < 2000; i++)
        {
            var bytes = random.Bytes(random.Next(1, 4000));
            // Lengths that lead somewhere more often than chance has them.
            for (var at = 36; at + 4 < bytes.Length; at += random.Next(40, 60)) bytes.AsSpan(at, 2).Clear();
            var file = new MemoryBlockFile();
            file.Write(65536, bytes);
            try
            {
                var table = SnapshotTable.ReadFrom(file, HeaderWith(random.Next(1, 200), 65536));
                Assert.InRange(table.Bytes, 40, 64 << 20);
            }
            catch (Qcow2FormatException exception)
            {
                Assert.Equal(Qcow2FormatError.Malformed, exception.Error);
            }
        }
    }

    private static ImageHeader HeaderWith(int snapshots, long offset)
    {
        var file = new MemoryBlockFile();
        ImageCreator.Create(file, new ImageCreateOptions { VirtualSize = 1 << 20 });
        var field = new byte[12];
        BinaryPrimitives.WriteInt32BigEndian(field, snapshots);
        BinaryPrimitives.WriteInt64BigEndian(field.AsSpan(4), offset);
        file.Write(60, field);
        return ImageHeader.ReadFrom(file);
    }
}

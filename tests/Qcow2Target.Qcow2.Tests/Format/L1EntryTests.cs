using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Tests.Format;

public sealed class L1EntryTests
{
    private static readonly ClusterGeometry Geometry = new(16, 4, 3, 1L << 30);

    [Fact]
    public void An_entry_has_its_offset_and_COPIED()
    {
        Assert.True(L1Entry.TryParse(0x8000_0000_0004_0000, Geometry, out var entry));
        Assert.True(entry is { HasTable: true, IsCopied: true, TableOffset.Value: 0x40000 });
        Assert.Equal(entry, L1Entry.Owned(new HostOffset(0x40000)));
    }

    [Fact]
    public void COPIED_with_the_offset_0_is_no_table()
    {
        Assert.True(L1Entry.TryParse(0x8000_0000_0000_0000, Geometry, out var entry));
        Assert.False(entry.HasTable);
    }

    [Theory]
    [InlineData(0x8000_0000_0004_0200)]
    [InlineData(0x8000_0000_0004_0001)]
    [InlineData(0xc000_0000_0004_0000)]
    [InlineData(0x0100_0000_0004_0000)]
    public void Reserved_bits_and_unaligned_offsets_are_refused(ulong raw) => Assert.False(L1Entry.TryParse(raw, Geometry, out _));
}

using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Tests.Format;

public sealed class L2EntryTests
{
    private static readonly ClusterGeometry Version3 = new(16, 4, 3, 1L << 30);
    private static readonly ClusterGeometry Version2 = new(16, 4, 2, 1L << 30);

    [Theory]
    [InlineData(0x0000_0000_0000_0000, L2EntryKind.Unallocated)]
    [InlineData(0x8000_0000_0000_0000, L2EntryKind.Unallocated)]
    [InlineData(0x0000_0000_0000_0001, L2EntryKind.ZeroPlain)]
    [InlineData(0x8000_0000_0005_0000, L2EntryKind.Normal)]
    [InlineData(0x0000_0000_0005_0000, L2EntryKind.Normal)]
    [InlineData(0x8000_0000_0005_0001, L2EntryKind.ZeroAllocated)]
    [InlineData(0x5840_0000_0005_c17b, L2EntryKind.Compressed)]
    [InlineData(0xd840_0000_0005_c17b, L2EntryKind.Compressed)]
    [InlineData(0x4000_0000_0000_0000, L2EntryKind.Invalid)]
    [InlineData(0x8000_0000_0005_0200, L2EntryKind.Invalid)]
    [InlineData(0x8000_0000_0005_0002, L2EntryKind.Invalid)]
    [InlineData(0x8100_0000_0005_0000, L2EntryKind.Invalid)]
    public void An_entry_is_what_its_bits_say(ulong raw, L2EntryKind kind) => Assert.Equal(kind, L2Entry.Parse(raw, Version3).Kind);

    [Fact]
    public void The_zero_flag_is_a_contradiction_in_version_2() => Assert.Equal(L2EntryKind.Invalid, L2Entry.Parse(1, Version2).Kind);

    [Fact]
    public void Only_a_normal_entry_with_COPIED_is_written_in_place()
    {
        Assert.True(L2Entry.Parse(0x8000_0000_0005_0000, Version3).IsWritableInPlace);
        Assert.False(L2Entry.Parse(0x0000_0000_0005_0000, Version3).IsWritableInPlace);
        Assert.False(L2Entry.Parse(0x8000_0000_0005_0001, Version3).IsWritableInPlace);
        Assert.False(L2Entry.Parse(0x8000_0000_0000_0000, Version3).IsWritableInPlace);
        Assert.False(L2Entry.Parse(0xd840_0000_0005_c17b, Version3).IsWritableInPlace);
        Assert.False(L2Entry.Parse(0x8000_0000_0005_0002, Version3).IsWritableInPlace);
    }

    [Fact]
    public void Every_bit_pattern_parses_and_what_is_kept_in_a_table_means_the_same()
    {
        var random = new Random(1);
        for (var i = 0; i < 100_000; i++)
        {
            // Few bits set, so that impossible ones do not hide all others.
            var raw = (ulong)random.NextInt64() & (ulong)random.NextInt64() & (ulong)random.NextInt64();
            var entry = L2Entry.Parse(raw, i % 2 == 0 ? Version3 : Version2);
            Assert.Equal(entry.Kind, L2Entry.FromCached(entry.Raw).Kind);
            if (entry.Kind is L2EntryKind.Normal or L2EntryKind.ZeroAllocated) Assert.Equal(0, entry.Host.Value % 65536);
        }
    }
}

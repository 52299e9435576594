using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Tests.Format;

public sealed class L2EntryTests
{
    private static readonly ClusterGeometry Version3 = new(16, 4, 3, 1L << 30);
    private static readonly ClusterGeometry Extended = new(16, 4, 3, 1L << 30, L2Form.Extended);
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
        Assert.True(L2Entry.Parse(0x8000_0000_0005_0000, Version3).IsWritableInPlace(L2Entry.AllSubclusters));
        Assert.False(L2Entry.Parse(0x0000_0000_0005_0000, Version3).IsWritableInPlace(L2Entry.AllSubclusters));
        Assert.False(L2Entry.Parse(0x8000_0000_0005_0001, Version3).IsWritableInPlace(L2Entry.AllSubclusters));
        Assert.False(L2Entry.Parse(0x8000_0000_0000_0000, Version3).IsWritableInPlace(L2Entry.AllSubclusters));
        Assert.False(L2Entry.Parse(0xd840_0000_0005_c17b, Version3).IsWritableInPlace(L2Entry.AllSubclusters));
        Assert.False(L2Entry.Parse(0x8000_0000_0005_0002, Version3).IsWritableInPlace(L2Entry.AllSubclusters));
    }

    [Fact]
    public void Every_bit_pattern_parses_and_what_is_kept_in_a_table_means_the_same()
    {
        var random = new Random(1);
        for (var i = 0; i < 100_000; i++)
        {
            // Few bits set, so that impossible ones do not hide all others.
            var raw = (ulong)random.NextInt64() & (ulong)random.NextInt64() & (ulong)random.NextInt64();
            var geometry = i % 2 == 0 ? Version3 : Version2;
            var entry = L2Entry.Parse(raw, geometry);
            Assert.Equal(entry.Kind, L2Entry.FromCached(entry.DescriptorIn(geometry), 0, geometry).Kind);
            if (entry.Kind is L2EntryKind.Normal or L2EntryKind.ZeroAllocated) Assert.Equal(0, entry.Host.Value % 65536);
        }
    }

    private const ulong Host = 0x8000_0000_0005_0000;

    [Theory]
    [InlineData(0, 0, L2EntryKind.Unallocated)]
    [InlineData(0, 0xffff_ffff_0000_0000, L2EntryKind.ZeroPlain)]
    [InlineData(0, 0x0000_0001_0000_0000, L2EntryKind.Mixed)]
    [InlineData(Host, 0x0000_0000_ffff_ffff, L2EntryKind.Normal)]
    [InlineData(Host, 0xffff_ffff_0000_0000, L2EntryKind.ZeroAllocated)]
    [InlineData(Host, 0x0000_0000_0000_0000, L2EntryKind.Mixed)]
    [InlineData(Host, 0x0000_0002_0000_0001, L2EntryKind.Mixed)]
    [InlineData(0x5840_0000_0005_c17b, 0, L2EntryKind.Compressed)]
    [InlineData(0x5840_0000_0005_c17b, 0x0000_0001_0000_0001, L2EntryKind.Compressed)]
    [InlineData(Host, 0x0000_0001_0000_0001, L2EntryKind.Invalid)]
    [InlineData(0, 0x0000_0000_0000_0001, L2EntryKind.Invalid)]
    [InlineData(0x8000_0000_0000_0000, 0x0000_0000_0000_0001, L2EntryKind.Invalid)]
    [InlineData(Host | 1, 0x0000_0000_0000_0001, L2EntryKind.Invalid)]
    public void An_extended_entry_is_what_its_two_words_say(ulong descriptor, ulong bitmap, L2EntryKind kind) =>
        Assert.Equal(kind, L2Entry.Parse(descriptor, bitmap, Extended).Kind);

    [Fact]
    public void Sub_clusters_are_told_apart_and_counted_together()
    {
        var entry = L2Entry.Parse(Host, 0x8000_00f0_0000_000e, Extended);
        Assert.Equal((L2EntryKind.Unallocated, 1), (entry.KindOf(0), entry.RunFrom(0)));
        Assert.Equal((L2EntryKind.Normal, 3), (entry.KindOf(1), entry.RunFrom(1)));
        Assert.Equal((L2EntryKind.ZeroAllocated, 3), (entry.KindOf(5), entry.RunFrom(5)));
        Assert.Equal((L2EntryKind.Unallocated, 23), (entry.KindOf(8), entry.RunFrom(8)));
        Assert.Equal((L2EntryKind.ZeroAllocated, 1), (entry.KindOf(31), entry.RunFrom(31)));
        Assert.Equal(1, L2Entry.Unallocated.RunFrom(31));
        Assert.True(entry.IsWritableInPlace(0b1110));
        Assert.False(entry.IsWritableInPlace(0b1111));
        Assert.False(entry.WithoutCopied().IsWritableInPlace(0b1110));
    }

    [Fact]
    public void With_a_data_file_COPIED_allocates_offset_0()
    {
        var standard = new ClusterGeometry(16, 4, 3, 1L << 30, L2Form.Standard, DataPlace.DataFile);
        Assert.Equal(L2EntryKind.Normal, L2Entry.Parse(0x8000_0000_0000_0000, standard).Kind);
        Assert.Equal(L2EntryKind.ZeroAllocated, L2Entry.Parse(0x8000_0000_0000_0001, standard).Kind);
        Assert.Equal(L2EntryKind.Unallocated, L2Entry.Parse(0, standard).Kind);
        Assert.Equal(L2EntryKind.Invalid, L2Entry.Parse(0x5840_0000_0005_c17b, standard).Kind);
        var extended = new ClusterGeometry(16, 4, 3, 1L << 30, L2Form.Extended, DataPlace.DataFile);
        Assert.Equal(L2EntryKind.Mixed, L2Entry.Parse(0x8000_0000_0000_0000, 1, extended).Kind);
    }

    [Fact]
    public void Every_pair_of_words_parses_and_goes_back_to_the_file_as_it_was()
    {
        var random = new Random(2);
        foreach (var geometry in new[] { Version2, Version3, Extended, new ClusterGeometry(16, 4, 3, 1L << 30, L2Form.Extended, DataPlace.DataFile) })
        {
            for (var i = 0; i < 5_000; i++)
            {
                var descriptor = random.Next(4) switch { 0 => 0UL, 1 => Host, _ => (ulong)random.NextInt64() & (ulong)random.NextInt64() & ~0x1ffUL };
                var bitmap = geometry.HasExtendedL2 ? (ulong)random.NextInt64() & (ulong)random.NextInt64() & (ulong)random.NextInt64() : 0;
                var entry = L2Entry.Parse(descriptor, bitmap, geometry);
                Assert.Equal(entry, L2Entry.FromCached(entry.DescriptorIn(geometry), entry.BitmapIn(geometry), geometry));
                for (int subcluster = 0, run; subcluster < 32; subcluster += run)
                {
                    run = entry.RunFrom(subcluster);
                    Assert.InRange(run, 1, 32 - subcluster);
                    for (var same = 0; same < run; same++) Assert.Equal(entry.KindOf(subcluster), entry.KindOf(subcluster + same));
                }
                if (entry.Kind is L2EntryKind.Invalid or L2EntryKind.Compressed) continue;
                Assert.Equal(descriptor, entry.DescriptorIn(geometry));
                Assert.Equal(bitmap, entry.BitmapIn(geometry));
            }
        }
    }
}

using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Tests.Format;

public sealed class RefcountBlockTests
{
    [Theory]
    [InlineData(0, "ffffff01")]
    [InlineData(1, "55555555555501")]
    [InlineData(2, "11111111111111111111111101")]
    public void Narrow_counts_are_packed_from_the_low_bits_as_QEMU_packs_25_of_them(int order, string expected)
    {
        var block = new byte[512];
        for (var i = 0; i < 25; i++) RefcountBlock.Set(block, i, order, 1);
        Assert.Equal(expected, Convert.ToHexStringLower(block).TrimEnd('0').PadRight(expected.Length, '0'));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void A_count_of_any_width_is_read_back_and_its_neighbours_stay(int order)
    {
        var block = new byte[512];
        var count = 512 * 8 >> order;
        var model = new ulong[count];
        var random = new Random(order);
        for (var round = 0; round < 5000; round++)
        {
            var index = random.Next(count);
            model[index] = (ulong)random.NextInt64() & RefcountBlock.Max(order);
            RefcountBlock.Set(block, index, order, model[index]);
        }
        for (var i = 0; i < count; i++) Assert.Equal(model[i], RefcountBlock.Get(block, i, order));
        if (order < 6) Assert.Throws<ArgumentOutOfRangeException>(() => RefcountBlock.Set(block, 0, order, RefcountBlock.Max(order) + 1));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void The_next_zero_and_the_next_count_are_found_from_anywhere(int order)
    {
        var random = new Random(order);
        var count = 512 * 8 >> order;
        for (var round = 0; round < 60; round++)
        {
            // From nearly all zeros to none at all; single set bits at either end of a count as well.
            var block = new byte[512];
            var density = random.Next(0, 101);
            for (var i = 0; i < count; i++)
                if (random.Next(100) < density) RefcountBlock.Set(block, i, order, random.Next(2) == 0 ? 1 : 1UL << ((1 << order) - 1));
            for (var from = 0; from < count; from = random.Next(from + 1, from + 40))
            {
                Assert.Equal(First(from, value => value == 0), RefcountBlock.IndexOfZero(block, from, order));
                Assert.Equal(First(from, value => value != 0), RefcountBlock.IndexOfCounted(block, from, order));
            }

            int First(int from, Func<ulong, bool> wanted)
            {
                for (var i = from; i < count; i++)
                    if (wanted(RefcountBlock.Get(block, i, order))) return i;
                return -1;
            }
        }
    }

    [Fact]
    public void Wide_counts_are_big_endian()
    {
        var block = new byte[512];
        RefcountBlock.Set(block, 1, 4, 0x1234);
        Assert.Equal("00001234", Convert.ToHexStringLower(block.AsSpan(0, 4)));
        Assert.Equal(2, RefcountBlock.ByteOf(1, 4));
    }
}

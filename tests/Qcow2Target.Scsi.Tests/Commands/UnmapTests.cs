using System.Buffers.Binary;
using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class UnmapTests
{
    private readonly Bench _bench = new();

    private static byte[] Cdb(int listLength, byte flags = 0) => [0x42, flags, 0, 0, 0, 0, 0, (byte)(listLength >> 8), (byte)listLength, 0];

    private static byte[] List(params (ulong Lba, uint Blocks)[] ranges)
    {
        byte[] list = new byte[8 + (16 * ranges.Length)];
        BinaryPrimitives.WriteUInt16BigEndian(list, (ushort)(list.Length - 2));
        BinaryPrimitives.WriteUInt16BigEndian(list.AsSpan(2), (ushort)(list.Length - 8));
        for (int i = 0; i < ranges.Length; i++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(list.AsSpan(8 + (16 * i)), ranges[i].Lba);
            BinaryPrimitives.WriteUInt32BigEndian(list.AsSpan(16 + (16 * i)), ranges[i].Blocks);
        }

        return list;
    }

    private string Unmap(byte[] list) => _bench.Refusal(Cdb(list.Length), list);

    [Fact]
    public void The_ranges_read_as_zeros_and_their_space_is_given_back()
    {
        _bench.Device.Bytes.AsSpan().Fill(0xFF);

        Assert.Equal("Good", Unmap(List((1, 2), (100, 1))));

        Assert.Equal([(512L, 1024L, ZeroMode.FreeSpace), (51200L, 512L, ZeroMode.FreeSpace)], _bench.Device.Zeroed);
        Assert.Equal(0, _bench.Device.Flushes);
    }

    [Fact]
    public void Nothing_to_unmap_is_good()
    {
        Assert.Equal("Good", _bench.Refusal(Cdb(0)));
        Assert.Equal("Good", Unmap(List()));
        Assert.Equal("Good", Unmap(List((0, 0))));
        Assert.Equal("Good", Unmap(List((8192, 0))));
        Assert.Empty(_bench.Device.Zeroed);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public void A_list_shorter_than_its_header_is_refused(int length) => Assert.Equal("5/1A/00", _bench.Refusal(Cdb(length), new byte[length]));

    [Fact]
    public void A_list_that_did_not_come_whole_is_refused() => Assert.Equal("5/1A/00", _bench.Refusal(Cdb(24), List((0, 1)).AsSpan(0, 20).ToArray()));

    [Fact]
    public void A_partial_last_descriptor_is_ignored()
    {
        byte[] list = [.. List((0, 1)), 0, 0, 0, 0, 0, 0, 0, 9];
        BinaryPrimitives.WriteUInt16BigEndian(list.AsSpan(2), 24);

        Assert.Equal("Good", Unmap(list));
        Assert.Equal([(0L, 512L, ZeroMode.FreeSpace)], _bench.Device.Zeroed);
    }

    [Fact]
    public void The_descriptor_length_in_the_list_counts_when_it_is_the_shorter_one()
    {
        byte[] list = List((0, 1), (9, 1));
        BinaryPrimitives.WriteUInt16BigEndian(list.AsSpan(2), 16);

        Assert.Equal("Good", Unmap(list));
        Assert.Single(_bench.Device.Zeroed);
    }

    [Theory]
    [InlineData(8193, 0)]
    [InlineData(8192, 1)]
    [InlineData(ulong.MaxValue, 1)]
    [InlineData(0, uint.MaxValue)]
    public void One_range_behind_the_end_refuses_all(ulong lba, uint blocks)
    {
        Assert.Equal("5/21/00", Unmap(List((0, 1), (lba, blocks))));
        Assert.Empty(_bench.Device.Zeroed);
    }

    [Fact]
    public void Too_many_descriptors_are_refused()
    {
        Assert.Equal("Good", Unmap(List([.. Enumerable.Repeat((1UL, 1u), ScsiLimits.MaxUnmapDescriptors)])));
        _bench.Device.Zeroed.Clear();
        Assert.Equal("5/26/00@P2", Unmap(List([.. Enumerable.Repeat((1UL, 1u), ScsiLimits.MaxUnmapDescriptors + 1)])));
        Assert.Empty(_bench.Device.Zeroed);
    }

    [Fact]
    public void Too_many_blocks_are_refused()
    {
        var bench = new Bench(new MemoryBlockDevice(blocks: 1 << 24));
        byte[] list = List((0, ScsiLimits.MaxUnmapBlocks), (0, 1));

        Assert.Equal("5/26/00@P32", bench.Refusal(Cdb(list.Length), list));
        Assert.Empty(bench.Device.Zeroed);
    }

    [Fact]
    public void Anchor_is_refused() => Assert.Equal("5/24/00@1.0", _bench.Refusal(Cdb(24, flags: 1), List((0, 1))));

    [Fact]
    public void Without_a_write_cache_it_flushes()
    {
        var bench = new Bench(modes: ModeParameters.Default with { WriteCache = false });

        Assert.Equal("Good", bench.Refusal(Cdb(24), List((0, 1))));

        Assert.Equal(1, bench.Device.Flushes);
    }

    [Fact]
    public void A_fault_of_the_disk_becomes_sense()
    {
        _bench.Device.WriteFault = BlockDeviceFault.NoSpace;

        Assert.Equal("7/27/07", Unmap(List((0, 1))));
    }
}

using System.Buffers.Binary;
using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class ReadCapacityTests
{
    private static byte[] Cdb16(byte allocation) => [0x9E, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, allocation, 0, 0];

    [Theory]
    [InlineData(8192, 8191u)]
    [InlineData(0x1_0000_0000, 0xFFFFFFFFu)]
    [InlineData(0x1_0000_0001, 0xFFFFFFFFu)]
    [InlineData(1L << 50, 0xFFFFFFFFu)]
    public void Read_capacity_10_names_the_last_block_if_it_fits(long blocks, uint last)
    {
        byte[] data = new Bench(new MemoryBlockDevice(blocks)).Data([0x25]);

        Assert.Equal(8, data.Length);
        Assert.Equal(last, BinaryPrimitives.ReadUInt32BigEndian(data));
        Assert.Equal(512u, BinaryPrimitives.ReadUInt32BigEndian(data.AsSpan(4)));
    }

    [Theory]
    [InlineData(512, 0)]
    [InlineData(4096, 3)]
    public void Read_capacity_16_tells_all(int physicalBlockBytes, byte exponent)
    {
        byte[] data = new Bench(new MemoryBlockDevice(1L << 40, physicalBlockBytes)).Data(Cdb16(32));

        byte[] expected = new byte[32];
        BinaryPrimitives.WriteUInt64BigEndian(expected, (1UL << 40) - 1);
        expected[10] = 2;
        expected[13] = exponent;
        expected[14] = 0xC0;
        Assert.Equal(expected, data);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(255)]
    public void Any_allocation_length_is_good(byte allocation) => Assert.Equal(Math.Min((byte)32, allocation), new Bench().Data(Cdb16(allocation)).Length);

    [Fact]
    public void A_grown_disk_is_seen_at_once()
    {
        var bench = new Bench();

        bench.Device.Shape = bench.Device.Shape with { Blocks = 9000 };

        Assert.Equal(8999u, BinaryPrimitives.ReadUInt32BigEndian(bench.Data([0x25])));
    }

    [Theory]
    [InlineData(UnitAvailability.BecomingReady, "2/04/01")]
    [InlineData(UnitAvailability.Offline, "2/04/12")]
    [InlineData(UnitAvailability.Gone, "5/25/00")]
    public void A_disk_that_is_not_ready_has_no_capacity(UnitAvailability availability, string sense)
    {
        var bench = new Bench();
        bench.Unit.Availability = availability;

        Assert.Equal(sense, bench.Refusal([0x25]));
        Assert.Equal(sense, bench.Refusal(Cdb16(32)));
    }
}

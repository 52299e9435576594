using System.Buffers.Binary;
using Qcow2Target.Scsi.Tests.Support;
using static Qcow2Target.Scsi.ProvisioningState;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class GetLbaStatusTests
{
    private readonly Bench _bench = new();

    public static TheoryData<ulong> BeyondTheEnd => [8192, 8193, 1UL << 55, 1UL << 63, ulong.MaxValue - 1, ulong.MaxValue];

    [Fact]
    public void A_descriptor_for_each_extent()
    {
        Has(_bench.Device, (100, Mapped), (28, Deallocated), (8064, Mapped));

        Assert.Equal([(0, 100, Mapped), (100, 28, Deallocated), (128, 8064, Mapped)], Ask(_bench, 0, 8 + (16 * 3)));
    }

    [Fact]
    public void The_bytes_are_those_of_the_standard()
    {
        Has(_bench.Device, (0x102, Mapped), (0x1000, Deallocated));

        byte[] data = _bench.Data(Cdb(0x100, 40));

        Assert.Equal(
            [
                0, 0, 0, 36, 0, 0, 0, 0,
                0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0,
                0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0x10, 0, 1, 0, 0, 0,
            ],
            data);
    }

    [Fact]
    public void The_first_descriptor_begins_at_the_requested_block()
    {
        Has(_bench.Device, (100, Mapped), (8092, Deallocated));

        Assert.Equal([(99, 1, Mapped), (100, 8092, Deallocated)], Ask(_bench, 99, 4096));
        Assert.Equal([(101, 8091, Deallocated)], Ask(_bench, 101, 4096));
        Assert.Equal([(8191, 1, Deallocated)], Ask(_bench, 8191, 4096));
    }

    [Fact]
    public void Neighbours_of_one_state_are_one_descriptor()
    {
        Has(_bench.Device, (10, Mapped), (10, Mapped), (10, Deallocated), (10, Deallocated), (10, Mapped), (8142, Mapped));

        Assert.Equal([(0, 20, Mapped), (20, 20, Deallocated), (40, 8152, Mapped)], Ask(_bench, 0, 4096));
        Assert.Equal([(5, 15, Mapped)], Ask(_bench, 5, 24));
    }

    [Fact]
    public void A_state_that_goes_on_without_end_costs_a_bounded_number_of_looks()
    {
        _bench.Device.DescribeReach = 512;

        Assert.Equal([(7, 1 + ScsiLimits.LbaStatusMergingLooks, Mapped)], Ask(_bench, 7, 24));
        Assert.Equal(1 + ScsiLimits.LbaStatusMergingLooks, _bench.Device.Described.Count);
    }

    [Fact]
    public void There_are_as_many_descriptors_as_the_allocation_length_has_room_for_and_no_more_than_the_limit()
    {
        Has(_bench.Device, [.. Enumerable.Range(0, 8192).Select(block => (1, block % 2 == 0 ? Mapped : Deallocated))]);

        Assert.Single(Ask(_bench, 0, 39));
        Assert.Equal(2, Ask(_bench, 0, 40).Length);
        Assert.Equal(3, _bench.Device.Described.Count - 2);   // the one after the last tells that it is no part of it
        Assert.Equal(ScsiLimits.MaxLbaStatusDescriptors, Ask(_bench, 0, 1 << 20).Length);
        Assert.Equal(ScsiLimits.MaxLbaStatusDescriptors, Ask(_bench, 1, uint.MaxValue).Length);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(12)]
    [InlineData(23)]
    public void A_shorter_allocation_length_cuts_the_one_descriptor(uint allocation)
    {
        byte[] whole = _bench.Data(Cdb(5, 24));

        Assert.Equal(24, whole.Length);
        Assert.Equal(whole[..(int)allocation], _bench.Data(Cdb(5, allocation)));
    }

    [Fact]
    public void A_count_of_more_than_32_bits_takes_two_descriptors()
    {
        const long Blocks = 0x1_8000_0000;
        var bench = new Bench(new MemoryBlockDevice(Blocks));

        Assert.Equal([(0, uint.MaxValue, Mapped), (uint.MaxValue, Blocks - uint.MaxValue, Mapped)], Ask(bench, 0, 4096));
        Assert.Equal([(1, uint.MaxValue, Mapped)], Ask(bench, 1, 24));
        Assert.All(bench.Device.Described, look => Assert.InRange(look.MaxLength, 1, uint.MaxValue * 512L));
    }

    [Theory]
    [MemberData(nameof(BeyondTheEnd))]
    public void A_block_beyond_the_end_is_refused(ulong lba)
    {
        Assert.Equal("5/21/00", _bench.Refusal(Cdb(lba, 24)));
        Assert.Empty(_bench.Device.Described);
    }

    [Theory]
    [InlineData(UnitAvailability.BecomingReady, "2/04/01")]
    [InlineData(UnitAvailability.Offline, "2/04/12")]
    [InlineData(UnitAvailability.Gone, "5/25/00")]
    public void A_disk_that_is_not_ready_has_no_status(UnitAvailability availability, string sense)
    {
        _bench.Unit.Availability = availability;

        Assert.Equal(sense, _bench.Refusal(Cdb(ulong.MaxValue, 24)));
    }

    [Theory]
    [InlineData(BlockDeviceFault.ReadError, "3/11/00")]
    [InlineData(BlockDeviceFault.Corrupt, "4/44/00")]
    [InlineData(BlockDeviceFault.Gone, "5/25/00")]
    public void A_fault_of_the_disk_is_the_outcome(BlockDeviceFault fault, string sense)
    {
        _bench.Device.ReadFault = fault;

        Assert.Equal(sense, _bench.Refusal(Cdb(0, 24)));
    }

    [Fact]
    public void A_write_protected_disk_has_a_status()
    {
        var bench = new Bench(new MemoryBlockDevice(isReadOnly: true));

        Assert.Equal([(0, 8192, Mapped)], Ask(bench, 0, 24));
    }

    [Fact]
    public async Task An_abort_ends_it_at_the_next_look()
    {
        using var abort = new CancellationTokenSource();
        _bench.Device.DescribeReach = 512;
        _bench.Device.BeforeAsync = abort.Cancel;
        CommandPlan plan = _bench.Begin(Cdb(0, 24));

        Assert.Equal(PlanKind.Execute, plan.Kind);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await plan.ExecuteAsync(default, abort.Token));

        Assert.Single(_bench.Device.Described);
    }

    private static void Has(MemoryBlockDevice device, params (long Blocks, ProvisioningState State)[] extents) =>
        device.Extents.AddRange(extents.Select(extent => new BlockExtent(extent.Blocks * 512, extent.State)));

    private static byte[] Cdb(ulong lba, uint allocation)
    {
        byte[] cdb = TestCdb.Sixteen(0x9E, lba, allocation);
        cdb[1] = 0x12;
        return cdb;
    }

    private static (long Lba, long Blocks, ProvisioningState State)[] Ask(Bench bench, ulong lba, uint allocation)
    {
        byte[] data = bench.Data(Cdb(lba, allocation));
        Assert.Equal((uint)data.Length - 4, BinaryPrimitives.ReadUInt32BigEndian(data));
        var descriptors = new (long, long, ProvisioningState)[(data.Length - 8) / 16];
        for (int i = 0; i < descriptors.Length; i++)
        {
            ReadOnlySpan<byte> descriptor = data.AsSpan(8 + (16 * i), 16);
            descriptors[i] = (BinaryPrimitives.ReadInt64BigEndian(descriptor), BinaryPrimitives.ReadUInt32BigEndian(descriptor[8..]), (ProvisioningState)descriptor[12]);
        }

        return descriptors;
    }
}

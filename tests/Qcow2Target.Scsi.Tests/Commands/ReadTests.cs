using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class ReadTests
{
    private readonly Bench _bench = new();

    [Theory]
    [InlineData(0x08)]
    [InlineData(0x28)]
    [InlineData(0xA8)]
    [InlineData(0x88)]
    public void Reads_the_blocks_that_the_cdb_names(byte opcode)
    {
        TestCdb.Pattern(_bench.Device.Bytes.Length, 1).CopyTo(_bench.Device.Bytes, 0);

        byte[] data = _bench.Data(TestCdb.Of(opcode, 5, 3));

        Assert.Equal(_bench.Device.Bytes.AsSpan(5 * 512, 3 * 512).ToArray(), data);
    }

    [Fact]
    public void Pieces_may_be_read_in_any_order_and_size()
    {
        TestCdb.Pattern(_bench.Device.Bytes.Length, 2).CopyTo(_bench.Device.Bytes, 0);
        CommandPlan plan = _bench.Begin(TestCdb.Ten(0x28, 2, 4));
        byte[] data = new byte[2048];

        Assert.True(plan.TryRead(1000, data.AsSpan(1000)));
        Assert.True(plan.TryRead(0, data.AsSpan(0, 1000)));

        Assert.Equal(2048, plan.Length);
        Assert.Equal(_bench.Device.Bytes.AsSpan(1024, 2048).ToArray(), data);
    }

    [Fact]
    public void A_piece_outside_the_transfer_is_a_bug_of_the_caller()
    {
        CommandPlan plan = _bench.Begin(TestCdb.Ten(0x28, 2, 1));

        Assert.Throws<ArgumentOutOfRangeException>(() => plan.TryRead(1, new byte[512]));
        Assert.Throws<ArgumentOutOfRangeException>(() => plan.TryRead(long.MaxValue, new byte[512]));
        Assert.Throws<ArgumentOutOfRangeException>(() => plan.TryRead(-1, new byte[1]));
        Assert.Throws<InvalidOperationException>(() => plan.TryWrite(0, new byte[512]));
    }

    [Fact]
    public void Read_6_of_0_blocks_reads_256() => Assert.Equal(256 * 512, _bench.Data(TestCdb.Six(0x08, 0, 0)).Length);

    [Theory]
    [InlineData(0x28)]
    [InlineData(0xA8)]
    [InlineData(0x88)]
    public void Zero_blocks_up_to_the_end_are_no_data(byte opcode)
    {
        Assert.Empty(_bench.Data(TestCdb.Of(opcode, 0, 0)));
        Assert.Empty(_bench.Data(TestCdb.Of(opcode, 8192, 0)));
    }

    [Theory]
    [InlineData(0x28, 8193, 0)]
    [InlineData(0x28, 8192, 1)]
    [InlineData(0x28, 8191, 2)]
    [InlineData(0x28, uint.MaxValue, 1)]
    [InlineData(0xA8, 8193, 0)]
    [InlineData(0xA8, 1, uint.MaxValue)]
    [InlineData(0x88, 8193, 0)]
    [InlineData(0x88, ulong.MaxValue, 0)]
    [InlineData(0x88, ulong.MaxValue, 1)]
    [InlineData(0x88, ulong.MaxValue, uint.MaxValue)]
    [InlineData(0x88, 1UL << 63, 1)]
    [InlineData(0x08, 8192, 1)]
    public void Blocks_behind_the_end_are_refused(byte opcode, ulong lba, uint blocks) =>
        Assert.Equal("5/21/00", _bench.Refusal(TestCdb.Of(opcode, lba, blocks)));

    [Theory]
    [InlineData(0x28, 0x20)]
    [InlineData(0xA8, 0x80)]
    [InlineData(0x88, 0xE0)]
    public void Protection_information_is_refused(byte opcode, byte flags) =>
        Assert.Equal("5/24/00@1.7", _bench.Refusal(TestCdb.Of(opcode, 0, 1, flags)));

    [Theory]
    [InlineData(0x28)]
    [InlineData(0xA8)]
    [InlineData(0x88)]
    public void Dpo_fua_and_fua_nv_are_accepted(byte opcode) => Assert.Equal(512, _bench.Data(TestCdb.Of(opcode, 0, 1, 0x1A)).Length);

    [Theory]
    [InlineData(0x88, 10)]
    [InlineData(0xA8, 6)]
    public void More_than_the_maximum_transfer_is_refused(byte opcode, int field)
    {
        var bench = new Bench(new MemoryBlockDevice(blocks: 100_000));

        Assert.Equal(PlanKind.Read, bench.Begin(TestCdb.Of(opcode, 0, 65536)).Kind);
        Assert.Equal($"5/24/00@{field}", bench.Refusal(TestCdb.Of(opcode, 0, 65537)));
        Assert.Equal("5/21/00", bench.Refusal(TestCdb.Of(opcode, 50_000, 65537)));
    }

    [Fact]
    public void A_disk_that_must_wait_is_read_asynchronously()
    {
        _bench.Device.AnswersAtOnce = false;
        _bench.Device.Bytes[512] = 7;

        Assert.Equal(7, _bench.Data(TestCdb.Ten(0x28, 1, 1))[0]);
    }

    [Theory]
    [InlineData(BlockDeviceFault.ReadError, "3/11/00")]
    [InlineData(BlockDeviceFault.NotReady, "2/04/01")]
    [InlineData(BlockDeviceFault.Gone, "5/25/00")]
    [InlineData(BlockDeviceFault.Corrupt, "4/44/00")]
    [InlineData(BlockDeviceFault.Fenced, "Busy")]
    public void A_fault_of_the_disk_becomes_sense(BlockDeviceFault fault, string sense)
    {
        _bench.Device.ReadFault = fault;

        Assert.Equal(sense, _bench.Refusal(TestCdb.Ten(0x28, 0, 1)));
    }

    [Theory]
    [InlineData(0x28)]
    [InlineData(0xA8)]
    [InlineData(0x88)]
    public void Begin_and_read_allocate_nothing(byte opcode)
    {
        byte[] cdb = new byte[16];
        TestCdb.Of(opcode, 1, 8).CopyTo(cdb, 0);
        byte[] buffer = new byte[4096];

        Assert.Equal(0, Allocation.Of(() =>
        {
            CommandPlan plan = _bench.Map.Begin(0, cdb, _bench.Nexus, 0);
            if (!plan.TryRead(0, buffer))
                throw new InvalidOperationException("The disk should answer at once.");
        }));
    }
}

using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class WriteAndVerifyTests
{
    private readonly Bench _bench = new();

    [Theory]
    [InlineData(0x2E, 0x00)]
    [InlineData(0x2E, 0x02)]
    [InlineData(0x2E, 0x06)]
    [InlineData(0xAE, 0x02)]
    [InlineData(0x8E, 0x02)]
    public void The_data_is_written_and_flushed(byte opcode, byte byteCheck)
    {
        byte[] data = TestCdb.Pattern(1024, 1);

        Assert.Equal("Good", _bench.Refusal(TestCdb.Of(opcode, 3, 2, byteCheck), data));

        Assert.Equal(data, _bench.Device.Bytes.AsSpan(3 * 512, 1024).ToArray());
        Assert.Equal(1, _bench.Device.Flushes);
        Assert.Contains((3 * 512L, 1024), _bench.Device.Reads);
    }

    [Fact]
    public void A_disk_that_stores_something_else_is_found_out()
    {
        _bench.Device.Corrupt = value => (byte)(value == 9 ? 8 : value);
        byte[] data = new byte[1024];
        data[700] = 9;

        Assert.Equal("E/1D/00+700", _bench.Refusal(TestCdb.Ten(0x2E, 3, 2, 0x02), data));
    }

    [Fact]
    public void A_write_of_somebody_else_does_not_look_like_such_a_disk()
    {
        bool cameIn = false;
        _bench.Device.BeforeAsync = () =>
        {
            if (_bench.Device.Writes.Count > 0)   // written, and about to be read again
                cameIn |= _bench.Begin(TestCdb.Ten(0x2A, 3, 1), 512).TryWrite(0, TestCdb.Pattern(512, 5));
        };

        Assert.Equal("Good", _bench.Refusal(TestCdb.Ten(0x2E, 3, 2, 0x02), new byte[1024]));

        Assert.False(cameIn);
    }

    [Fact]
    public void Blocks_that_cannot_be_read_afterwards_fail_it()
    {
        _bench.Device.ReadFault = BlockDeviceFault.ReadError;

        Assert.Equal("3/11/00", _bench.Refusal(TestCdb.Ten(0x2E, 3, 2), new byte[1024]));
    }

    [Fact]
    public async Task A_transfer_cut_within_a_block_is_checked_in_whole_blocks()
    {
        CommandPlan plan = _bench.Begin(TestCdb.Ten(0x2E, 3, 2), 200);

        Assert.False(plan.TryWrite(0, new byte[200]));
        Assert.Same(ScsiOutcome.Good, await plan.WriteAsync(0, new byte[200]));
        Assert.Same(ScsiOutcome.Good, await plan.FinishAsync(200));

        Assert.Equal([(3 * 512L, 512)], _bench.Device.Reads);
    }

    [Fact]
    public async Task A_cut_piece_is_compared_byte_by_byte()
    {
        CommandPlan plan = _bench.Begin(TestCdb.Ten(0x2E, 3, 2, 0x02), 700);

        Assert.Same(ScsiOutcome.Good, await plan.WriteAsync(100, TestCdb.Pattern(600, 3)));
    }

    [Theory]
    [InlineData(0x2E)]
    [InlineData(0xAE)]
    [InlineData(0x8E)]
    public void Zero_blocks_are_good_and_behind_the_end_refused(byte opcode)
    {
        Assert.Equal("Good", _bench.Refusal(TestCdb.Of(opcode, 8192, 0)));
        Assert.Equal("5/21/00", _bench.Refusal(TestCdb.Of(opcode, 8193, 0)));
        Assert.Equal("5/21/00", _bench.Refusal(TestCdb.Of(opcode, 8192, 1)));
    }

    [Theory]
    [InlineData(0x2E)]
    [InlineData(0xAE)]
    [InlineData(0x8E)]
    public void The_reserved_byte_check_and_protection_are_refused(byte opcode)
    {
        Assert.Equal("5/24/00@1.2", _bench.Refusal(TestCdb.Of(opcode, 0, 1, 0x04)));
        Assert.Equal("5/24/00@1.7", _bench.Refusal(TestCdb.Of(opcode, 0, 1, 0x20)));
        Assert.Equal("Good", _bench.Refusal(TestCdb.Of(opcode, 0, 1, 0x10), new byte[512]));
    }
}

using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class VerifyTests
{
    private const byte CompareAll = 0x02;
    private const byte CompareOne = 0x06;
    private readonly Bench _bench = new(new MemoryBlockDevice(blocks: 70_000));

    public static TheoryData<byte> Opcodes => [0x2F, 0xAF, 0x8F];

    [Theory]
    [MemberData(nameof(Opcodes))]
    public void Without_byte_check_the_blocks_are_read_and_no_data_is_wanted(byte opcode)
    {
        CommandPlan plan = _bench.Begin(TestCdb.Of(opcode, 8, 2000));

        Assert.Equal(PlanKind.Execute, plan.Kind);
        Assert.Equal(0, plan.Length);
        Assert.Equal("Good", _bench.Refusal(TestCdb.Of(opcode, 8, 2000)));
        Assert.Equal(2000 * 512, _bench.Device.Reads.Sum(read => read.Length));
        Assert.All(_bench.Device.Reads, read => Assert.True(read.Length <= ScsiLimits.PieceBytes));
    }

    [Theory]
    [MemberData(nameof(Opcodes))]
    public void Unreadable_blocks_are_a_read_error(byte opcode)
    {
        _bench.Device.ReadFault = BlockDeviceFault.ReadError;

        Assert.Equal("3/11/00", _bench.Refusal(TestCdb.Of(opcode, 8, 1)));
    }

    [Theory]
    [MemberData(nameof(Opcodes))]
    public void Equal_data_is_good(byte opcode)
    {
        byte[] data = TestCdb.Pattern(1024, 4);
        data.CopyTo(_bench.Device.Bytes, 512);

        Assert.Equal("Good", _bench.Refusal(TestCdb.Of(opcode, 1, 2, CompareAll), data));
        Assert.Empty(_bench.Device.Writes);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(511)]
    [InlineData(512)]
    [InlineData(1023)]
    public void The_first_unequal_byte_is_named(int offset)
    {
        byte[] data = new byte[1024];
        data[offset] = 1;

        Assert.Equal($"E/1D/00+{offset}", _bench.Refusal(TestCdb.Ten(0x2F, 1, 2, CompareAll), data));
    }

    [Fact]
    public async Task Pieces_are_compared_where_they_lie_in_the_transfer()
    {
        _bench.Device.Bytes[512 + 600] = 5;
        CommandPlan plan = _bench.Begin(TestCdb.Ten(0x2F, 1, 2, CompareAll), 1024);

        Assert.False(plan.TryWrite(0, new byte[300]));
        Assert.Equal("Good", Bench.Describe(await plan.WriteAsync(0, new byte[300])));
        Assert.Equal("E/1D/00+600", Bench.Describe(await plan.WriteAsync(300, new byte[724])));
        Assert.Equal("Good", Bench.Describe(await plan.FinishAsync(1024)));
    }

    [Theory]
    [MemberData(nameof(Opcodes))]
    public void One_block_is_compared_with_all(byte opcode)
    {
        byte[] block = TestCdb.Pattern(512, 5);
        for (int i = 0; i < 1000; i++)
            block.CopyTo(_bench.Device.Bytes, i * 512);

        Assert.Equal(512, _bench.Begin(TestCdb.Of(opcode, 0, 1000, CompareOne)).Length);
        Assert.Equal("Good", _bench.Refusal(TestCdb.Of(opcode, 0, 1000, CompareOne), block));
        Assert.Equal($"E/1D/00+{1000 * 512}", _bench.Refusal(TestCdb.Of(opcode, 0, 1001, CompareOne), block));
        Assert.Equal("5/0E/03", _bench.Refusal(TestCdb.Of(opcode, 0, 1000, CompareOne), new byte[100]));
    }

    [Theory]
    [MemberData(nameof(Opcodes))]
    public void Refusals(byte opcode)
    {
        Assert.Equal("5/24/00@1.2", _bench.Refusal(TestCdb.Of(opcode, 0, 1, 0x04)));
        Assert.Equal("5/24/00@1.7", _bench.Refusal(TestCdb.Of(opcode, 0, 1, 0x40)));
        Assert.Equal("5/21/00", _bench.Refusal(TestCdb.Of(opcode, 70_001, 0)));
        Assert.Equal("5/21/00", _bench.Refusal(TestCdb.Of(opcode, 70_000, 1, CompareAll)));
        Assert.Equal("Good", _bench.Refusal(TestCdb.Of(opcode, 70_000, 0)));
        Assert.Equal("Good", _bench.Refusal(TestCdb.Of(opcode, 0, 0, CompareAll)));
    }

    [Fact]
    public async Task An_abort_ends_it_at_the_next_piece()
    {
        using var abort = new CancellationTokenSource();
        _bench.Device.BeforeAsync = abort.Cancel;
        CommandPlan plan = _bench.Begin(TestCdb.Ten(0x2F, 0, 5000));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await plan.ExecuteAsync(default, abort.Token));

        Assert.Single(_bench.Device.Reads);
    }
}

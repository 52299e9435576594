using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class WriteTests
{
    private readonly Bench _bench = new();

    [Theory]
    [InlineData(0x0A)]
    [InlineData(0x2A)]
    [InlineData(0xAA)]
    [InlineData(0x8A)]
    public void Writes_the_blocks_that_the_cdb_names_and_no_other(byte opcode)
    {
        byte[] data = TestCdb.Pattern(3 * 512, 1);

        Assert.Equal(ScsiStatus.Good, _bench.Run(TestCdb.Of(opcode, 5, 3), data).Status);

        Assert.Equal(data, _bench.Device.Bytes.AsSpan(5 * 512, 3 * 512).ToArray());
        Assert.Equal(-1, _bench.Device.Bytes.AsSpan(0, 5 * 512).IndexOfAnyExcept((byte)0));
        Assert.Equal(-1, _bench.Device.Bytes.AsSpan(8 * 512).IndexOfAnyExcept((byte)0));
        Assert.Equal(0, _bench.Device.Flushes);
    }

    [Fact]
    public async Task Pieces_that_must_wait_land_where_they_belong()
    {
        _bench.Device.AnswersAtOnce = false;
        byte[] data = TestCdb.Pattern(2048, 2);
        CommandPlan plan = _bench.Begin(TestCdb.Ten(0x2A, 7, 4), 2048);

        Assert.False(plan.TryWrite(512, data.AsSpan(512)));
        Assert.Same(ScsiOutcome.Good, await plan.WriteAsync(512, data.AsMemory(512)));
        Assert.Same(ScsiOutcome.Good, await plan.WriteAsync(0, data.AsMemory(0, 512)));

        Assert.Equal(data, _bench.Device.Bytes.AsSpan(7 * 512, 2048).ToArray());
    }

    [Fact]
    public void Write_6_of_0_blocks_writes_256() => Assert.Equal(256 * 512, _bench.Begin(TestCdb.Six(0x0A, 0, 0)).Length);

    [Theory]
    [InlineData(0x2A)]
    [InlineData(0xAA)]
    [InlineData(0x8A)]
    public void Zero_blocks_up_to_the_end_are_good(byte opcode)
    {
        Assert.Equal(PlanKind.Complete, _bench.Begin(TestCdb.Of(opcode, 0, 0)).Kind);
        Assert.Same(ScsiOutcome.Good, _bench.Run(TestCdb.Of(opcode, 8192, 0)));
    }

    [Theory]
    [InlineData(0x2A)]
    [InlineData(0xAA)]
    [InlineData(0x8A)]
    public void Fua_flushes_before_the_status(byte opcode)
    {
        Assert.Same(ScsiOutcome.Good, _bench.Run(TestCdb.Of(opcode, 0, 1, 0x08), new byte[512]));
        Assert.Equal(1, _bench.Device.Flushes);
    }

    [Fact]
    public void Without_a_write_cache_every_write_flushes()
    {
        var bench = new Bench(modes: ModeParameters.Default with { WriteCache = false });

        bench.Run(TestCdb.Ten(0x2A, 0, 1), new byte[512]);

        Assert.Equal(1, bench.Device.Flushes);
    }

    [Theory]
    [InlineData(0x2A, 8192, 1)]
    [InlineData(0x2A, 8193, 0)]
    [InlineData(0xAA, 8193, 0)]
    [InlineData(0x8A, 8193, 0)]
    [InlineData(0x8A, ulong.MaxValue, 2)]
    [InlineData(0x0A, 8191, 2)]
    public void Blocks_behind_the_end_are_refused(byte opcode, ulong lba, uint blocks) =>
        Assert.Equal("5/21/00", _bench.Refusal(TestCdb.Of(opcode, lba, blocks)));

    [Theory]
    [InlineData(0x2A)]
    [InlineData(0xAA)]
    [InlineData(0x8A)]
    public void Protection_information_is_refused(byte opcode) => Assert.Equal("5/24/00@1.7", _bench.Refusal(TestCdb.Of(opcode, 0, 1, 0x20)));

    [Theory]
    [InlineData(0x0A)]
    [InlineData(0x2A)]
    [InlineData(0x2E)]
    [InlineData(0x41)]
    [InlineData(0x42)]
    [InlineData(0x8A)]
    [InlineData(0x8E)]
    [InlineData(0x93)]
    [InlineData(0xAA)]
    [InlineData(0xAE)]
    public void A_read_only_disk_refuses_every_write_whatever_else_is_wrong_with_it(byte opcode)
    {
        var hard = new Bench(new MemoryBlockDevice(isReadOnly: true));
        var soft = new Bench(modes: ModeParameters.Default with { SoftwareWriteProtect = true });

        Assert.Equal("7/27/00", hard.Refusal(TestCdb.Of(opcode, 0, 1)));
        Assert.Equal("7/27/02", soft.Refusal(TestCdb.Of(opcode, 0, 1)));
        Assert.Equal("7/27/00", hard.Refusal(TestCdb.Of(opcode, 0x1FFFFF, 1)));
    }

    [Theory]
    [InlineData(BlockDeviceFault.WriteError, "3/0C/00")]
    [InlineData(BlockDeviceFault.NoSpace, "7/27/07")]
    [InlineData(BlockDeviceFault.WriteProtected, "7/27/00")]
    [InlineData(BlockDeviceFault.Fenced, "Busy")]
    public void A_fault_of_the_disk_becomes_sense(BlockDeviceFault fault, string sense)
    {
        _bench.Device.WriteFault = fault;

        Assert.Equal(sense, _bench.Refusal(TestCdb.Ten(0x2A, 0, 1), new byte[512]));
    }

    [Fact]
    public void A_failed_flush_fails_the_fua_write()
    {
        _bench.Device.FlushFault = BlockDeviceFault.WriteError;

        Assert.Equal("3/0C/00", _bench.Refusal(TestCdb.Ten(0x2A, 0, 1, 0x08), new byte[512]));
    }

    [Theory]
    [InlineData(0x2A)]
    [InlineData(0xAA)]
    [InlineData(0x8A)]
    public void Begin_write_and_finish_allocate_nothing(byte opcode)
    {
        byte[] cdb = new byte[16];
        TestCdb.Of(opcode, 1, 8).CopyTo(cdb, 0);
        byte[] buffer = new byte[4096];

        Assert.Equal(0, Allocation.Of(() =>
        {
            CommandPlan plan = _bench.Map.Begin(0, cdb, _bench.Nexus, 4096);
            ValueTask<ScsiOutcome> finish = plan.FinishAsync(4096);
            if (!plan.TryWrite(0, buffer) || !finish.IsCompletedSuccessfully)
                throw new InvalidOperationException("The disk should answer at once.");
        }));
    }
}

using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class WriteSameTests
{
    private const byte UnmapFlag = 0x08;
    private const byte AnchorFlag = 0x10;
    private const byte NoDataOut = 0x01;
    private readonly Bench _bench = new();

    public static TheoryData<byte> Opcodes => [0x41, 0x93];

    [Theory]
    [MemberData(nameof(Opcodes))]
    public void A_pattern_is_repeated_in_bounded_pieces(byte opcode)
    {
        byte[] block = TestCdb.Pattern(512, 1);

        Assert.Equal("Good", _bench.Refusal(TestCdb.Of(opcode, 1, 1200), block));

        for (int i = 1; i <= 1200; i++)
            Assert.True(_bench.Device.Bytes.AsSpan(i * 512, 512).SequenceEqual(block));
        Assert.Equal(-1, _bench.Device.Bytes.AsSpan(0, 512).IndexOfAnyExcept((byte)0));
        Assert.Equal(-1, _bench.Device.Bytes.AsSpan(1201 * 512).IndexOfAnyExcept((byte)0));
        Assert.All(_bench.Device.Writes, write => Assert.True(write.Length <= ScsiLimits.PieceBytes));
    }

    [Theory]
    [InlineData(0x41, 0x00, ZeroMode.KeepSpace)]
    [InlineData(0x41, UnmapFlag, ZeroMode.FreeSpace)]
    [InlineData(0x93, 0x00, ZeroMode.KeepSpace)]
    [InlineData(0x93, UnmapFlag, ZeroMode.FreeSpace)]
    public void Zeros_are_zeroing(byte opcode, byte flags, ZeroMode mode)
    {
        Assert.Equal("Good", _bench.Refusal(TestCdb.Of(opcode, 5, 100, flags), new byte[512]));
        Assert.Equal([(5 * 512L, 100 * 512L, mode)], _bench.Device.Zeroed);
    }

    [Fact]
    public void Unmap_with_a_pattern_leaves_zeros_as_lbprz_promises()
    {
        byte[] block = TestCdb.Pattern(512, 2);

        Assert.Equal("Good", _bench.Refusal(TestCdb.Sixteen(0x93, 0, 2, UnmapFlag), block));

        Assert.Equal([(0L, 1024L, ZeroMode.FreeSpace)], _bench.Device.Zeroed);
    }

    [Theory]
    [InlineData(NoDataOut, ZeroMode.KeepSpace)]
    [InlineData(NoDataOut | UnmapFlag, ZeroMode.FreeSpace)]
    public void Without_data_out_it_is_zeroing(byte flags, ZeroMode mode)
    {
        byte[] cdb = TestCdb.Sixteen(0x93, 5, 100, flags);

        Assert.Equal(PlanKind.Execute, _bench.Begin(cdb).Kind);
        Assert.Equal("Good", _bench.Refusal(cdb));
        Assert.Equal([(5 * 512L, 100 * 512L, mode)], _bench.Device.Zeroed);
    }

    [Theory]
    [MemberData(nameof(Opcodes))]
    public void Zero_blocks_mean_to_the_end(byte opcode)
    {
        Assert.Equal("Good", _bench.Refusal(TestCdb.Of(opcode, 8000, 0), new byte[512]));
        Assert.Equal("Good", _bench.Refusal(TestCdb.Of(opcode, 8192, 0), new byte[512]));

        Assert.Equal([(8000 * 512L, 192 * 512L, ZeroMode.KeepSpace)], _bench.Device.Zeroed);
    }

    [Fact]
    public void The_maximum_is_kept_also_by_zero_blocks()
    {
        var bench = new Bench(new MemoryBlockDevice(blocks: 1 << 24));

        Assert.Equal(PlanKind.Execute, bench.Begin(TestCdb.Sixteen(0x93, 0, ScsiLimits.MaxWriteSameBlocks, NoDataOut)).Kind);
        Assert.Equal("5/24/00@10", bench.Refusal(TestCdb.Sixteen(0x93, 0, ScsiLimits.MaxWriteSameBlocks + 1, NoDataOut)));
        Assert.Equal("5/24/00@10", bench.Refusal(TestCdb.Sixteen(0x93, 0, 0, NoDataOut)));
        Assert.Equal("5/24/00@7", bench.Refusal(TestCdb.Ten(0x41, 0, 0), new byte[512]));
        Assert.Equal("5/21/00", bench.Refusal(TestCdb.Sixteen(0x93, 1 << 24, ScsiLimits.MaxWriteSameBlocks + 1, NoDataOut)));
    }

    [Theory]
    [InlineData(0x41, 0x20, 7)]
    [InlineData(0x93, 0x20, 7)]
    [InlineData(0x41, AnchorFlag, 4)]
    [InlineData(0x93, AnchorFlag, 4)]
    [InlineData(0x41, AnchorFlag | UnmapFlag, 4)]
    [InlineData(0x93, AnchorFlag | UnmapFlag, 4)]
    [InlineData(0x41, 0x04, 2)]
    [InlineData(0x41, 0x02, 1)]
    public void Fields_that_are_not_supported_are_refused(byte opcode, byte flags, int bit) =>
        Assert.Equal($"5/24/00@1.{bit}", _bench.Refusal(TestCdb.Of(opcode, 0, 1, flags), new byte[512]));

    [Theory]
    [InlineData(0x41, 8193, 0)]
    [InlineData(0x41, 8192, 1)]
    [InlineData(0x93, 8193, 0)]
    [InlineData(0x93, ulong.MaxValue, 0)]
    [InlineData(0x93, ulong.MaxValue, 1)]
    public void Blocks_behind_the_end_are_refused(byte opcode, ulong lba, uint blocks) =>
        Assert.Equal("5/21/00", _bench.Refusal(TestCdb.Of(opcode, lba, blocks), new byte[512]));

    [Theory]
    [InlineData(0)]
    [InlineData(256)]
    [InlineData(1024)]
    public void Other_data_than_one_block_is_refused(int length)
    {
        Assert.Equal("5/0E/03", _bench.Refusal(TestCdb.Ten(0x41, 0, 1), new byte[length]));
        Assert.Equal("5/0E/03", _bench.Refusal(TestCdb.Sixteen(0x93, 0, 1, UnmapFlag), new byte[length]));
        Assert.Empty(_bench.Device.Zeroed);
    }

    [Fact]
    public async Task A_block_that_did_not_come_whole_is_refused()
    {
        CommandPlan plan = _bench.Begin(TestCdb.Ten(0x41, 0, 1), 512);

        Assert.Equal("5/0E/03", Bench.Describe(await plan.ExecuteAsync(new byte[100], default)));
    }

    [Fact]
    public async Task An_abort_ends_it_at_the_next_piece()
    {
        using var abort = new CancellationTokenSource();
        _bench.Device.BeforeAsync = abort.Cancel;
        CommandPlan plan = _bench.Begin(TestCdb.Ten(0x41, 0, 5000), 512);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await plan.ExecuteAsync(TestCdb.Pattern(512, 3), abort.Token));

        Assert.Single(_bench.Device.Writes);
    }

    [Theory]
    [InlineData(0x00)]
    [InlineData(UnmapFlag)]
    public async Task An_abort_ends_zeroing_at_the_next_step(byte flags)
    {
        const uint blocks = 200_000;
        var bench = new Bench(new MemoryBlockDevice(blocks: 1 << 18));
        Assert.Equal("Good", bench.Refusal(TestCdb.Sixteen(0x93, 8, blocks, flags), new byte[512]));
        Assert.Equal([(4096, ScsiLimits.ZeroStepBytes - 4096L), (ScsiLimits.ZeroStepBytes, (blocks * 512) + 4096 - ScsiLimits.ZeroStepBytes)],
            bench.Device.Zeroed.Select(piece => (piece.Offset, piece.Length)));

        using var abort = new CancellationTokenSource();
        bench.Device.BeforeAsync = abort.Cancel;
        CommandPlan plan = bench.Begin(TestCdb.Sixteen(0x93, 8, blocks, flags), 512);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await plan.ExecuteAsync(new byte[512], abort.Token));

        Assert.Equal(3, bench.Device.Zeroed.Count);
    }

    [Fact]
    public void Without_a_write_cache_it_flushes()
    {
        var bench = new Bench(modes: ModeParameters.Default with { WriteCache = false });

        Assert.Equal("Good", bench.Refusal(TestCdb.Ten(0x41, 0, 1), new byte[512]));
        Assert.Equal("Good", bench.Refusal(TestCdb.Ten(0x41, 0, 1), TestCdb.Pattern(512, 4)));

        Assert.Equal(2, bench.Device.Flushes);
    }
}

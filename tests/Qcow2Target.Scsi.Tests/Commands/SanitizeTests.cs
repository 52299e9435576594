using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class SanitizeTests
{
    private const byte Immediate = 0x80;
    private const byte AllowExit = 0x20;
    private const byte Overwrite = 0x01;
    private const byte BlockErase = 0x02;
    private const byte ExitFailureMode = 0x1F;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly Bench _bench = new(new MemoryBlockDevice(blocks: 2048));

    private static byte[] Cdb(byte flagsAndAction, int length = 0) => [0x48, flagsAndAction, 0, 0, 0, 0, 0, (byte)(length >> 8), (byte)length, 0];

    private static byte[] List(byte count, params byte[] pattern) => [count, 0, (byte)(pattern.Length >> 8), (byte)pattern.Length, .. pattern];

    private string Send(byte flagsAndAction, byte[] list) => _bench.Refusal(Cdb(flagsAndAction, list.Length), list);

    private Task Over() => _bench.Unit.Medium.Operation?.Completion.WaitAsync(Limit) ?? Task.CompletedTask;

    [Fact]
    public void Overwrite_writes_the_pattern_over_each_block_of_the_whole_disk()
    {
        Assert.Equal("Good", Send(Overwrite, List(1, 1, 2, 3)));

        for (int block = 0; block < 2048; block++)
        {
            Assert.Equal([1, 2, 3, 1], _bench.Device.Bytes.AsSpan(block * 512, 4).ToArray());
            Assert.Equal([1, 2], _bench.Device.Bytes.AsSpan((block * 512) + 510, 2).ToArray());
        }

        Assert.Equal(1, _bench.Device.Flushes);
        Assert.Equal("Good", _bench.Refusal([0x00]));
    }

    [Fact]
    public void Overwrite_with_zeros_has_every_byte_written()
    {
        Assert.Equal("Good", Send(Overwrite, List(1, 0)));

        Assert.Equal(_bench.Device.Bytes.Length, _bench.Device.Overwritten.Sum(write => write.Length));
        Assert.Empty(_bench.Device.Zeroed);
    }

    [Theory]
    [InlineData(0x82, 0xFF - 5)]
    [InlineData(0x83, 5)]
    [InlineData(0x02, 5)]
    public void Every_second_pass_may_invert_the_pattern(byte count, byte last)
    {
        Assert.Equal("Good", Send(Overwrite, List(count, 5)));
        Assert.Equal(-1, _bench.Device.Bytes.AsSpan().IndexOfAnyExcept(last));
        Assert.Equal(count & 0x1F, _bench.Device.Flushes);
    }

    [Fact]
    public void Block_erase_gives_all_space_back()
    {
        _bench.Run(TestCdb.Ten(0x2A, 0, 1), TestCdb.Pattern(512, 1));
        Assert.Equal("Good", _bench.Refusal(Cdb(BlockErase)));
        Assert.Equal(-1, _bench.Device.Bytes.AsSpan().IndexOfAnyExcept((byte)0));
        Assert.All(_bench.Device.Zeroed, zeroed => Assert.Equal(ZeroMode.FreeSpace, zeroed.Mode));
    }

    [Fact]
    public async Task While_it_runs_commands_are_told_how_far_it_is_and_no_reset_ends_it()
    {
        var gate = new TaskCompletionSource();
        _bench.Device.FlushGate = gate.Task;
        ItNexus other = _bench.NewNexus();

        Assert.Equal("Good", Send(Immediate | Overwrite, List(1, 9)));
        // The last flush hangs, so the operation does not end before the gate opens.
        Assert.Equal("2/04/1B", _bench.Refusal([0x00], nexus: other));
        Assert.Equal("2/04/1B", _bench.Refusal(TestCdb.Ten(0x28, 0, 1)));
        Assert.Equal("2/04/1B", _bench.Refusal(Cdb(BlockErase)));
        Assert.Equal("2/04/1B", _bench.Refusal(Cdb(ExitFailureMode)));
        Assert.Equal(96, _bench.Data([0x12, 0, 0, 0, 255]).Length);
        Assert.Equal(16, _bench.Data([0xA0, 0, 0, 0, 0, 0, 0, 0, 0, 255]).Length);
        byte[] sense = _bench.Data([0x03, 0, 0, 0, 18]);
        Assert.Equal((2, 0x04, 0x1B, 0x80), (sense[2], sense[12], sense[13], sense[15]));

        _bench.Unit.Reset(Scsi.Sense.UnitAttention.DeviceReset);
        Assert.Equal("6/29/03", _bench.Refusal([0x00]));
        Assert.Equal("2/04/1B", _bench.Refusal([0x00]));

        Task over = Over();
        gate.SetResult();
        await over;
        Assert.Equal("Good", _bench.Refusal([0x00]));
    }

    [Fact]
    public async Task An_abort_ends_the_wait_and_not_the_work()
    {
        var gate = new TaskCompletionSource();
        _bench.Device.FlushGate = gate.Task;
        using var abort = new CancellationTokenSource();
        Task<ScsiOutcome> command = Bench.RunAsync(_bench.Begin(Cdb(BlockErase)), [], abort.Token).AsTask();

        await abort.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => command.WaitAsync(Limit));
        Assert.Equal("2/04/1B", _bench.Refusal([0x00]));

        Task over = Over();
        gate.SetResult();
        await over;
        Assert.Equal("Good", _bench.Refusal([0x00]));
    }

    [Fact]
    public async Task A_write_that_was_under_way_ends_first_and_one_behind_it_is_refused()
    {
        _bench.Device.AnswersAtOnce = false;
        CommandPlan late = _bench.Begin(TestCdb.Ten(0x2A, 0, 1), 512);
        var gate = new TaskCompletionSource();
        _bench.Device.FlushGate = gate.Task;
        Assert.Equal("Good", _bench.Refusal(Cdb(Immediate | BlockErase)));

        Assert.False(late.TryWrite(0, TestCdb.Pattern(512, 1)));
        Assert.Equal("2/04/1B", Bench.Describe(await late.WriteAsync(0, TestCdb.Pattern(512, 1)).AsTask().WaitAsync(Limit)));

        Task over = Over();
        gate.SetResult();
        await over;
        Assert.Equal(-1, _bench.Device.Bytes.AsSpan().IndexOfAnyExcept((byte)0));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(AllowExit)]
    public void After_a_failure_nobody_gets_at_the_data(byte flags)
    {
        _bench.Device.WriteFault = BlockDeviceFault.WriteError;
        Assert.Equal("3/0C/00", _bench.Refusal(Cdb((byte)(flags | BlockErase))));
        _bench.Device.WriteFault = null;

        Assert.Equal("3/31/03", _bench.Refusal(TestCdb.Ten(0x28, 0, 1)));
        Assert.Equal("3/31/03", _bench.Refusal([0x00]));
        Assert.Equal(flags == AllowExit ? "Good" : "5/24/00@1.4", _bench.Refusal(Cdb(ExitFailureMode)));
        Assert.Equal(flags == AllowExit ? "Good" : "3/31/03", _bench.Refusal([0x00]));
        Assert.Equal("Good", _bench.Refusal(Cdb(BlockErase)));
        Assert.Equal("Good", _bench.Refusal([0x00]));
    }

    [Fact]
    public void Refuses_each_fault_by_name()
    {
        Assert.Equal("5/24/00@1.4", _bench.Refusal(Cdb(0x03)));   // cryptographic erase
        Assert.Equal("5/24/00@1.4", _bench.Refusal(Cdb(0x00)));
        Assert.Equal("5/24/00@1.6", _bench.Refusal(Cdb(0x40 | BlockErase)));
        for (byte at = 2; at < 7; at++)
        {
            byte[] cdb = Cdb(BlockErase);
            cdb[at] = 1;
            Assert.Equal($"5/24/00@{at}", _bench.Refusal(cdb));
        }

        Assert.Equal("5/24/00@7", _bench.Refusal(Cdb(BlockErase, 5), new byte[5]));
        Assert.Equal("5/24/00@7", _bench.Refusal(Cdb(ExitFailureMode, 5), new byte[5]));
        Assert.Equal("5/24/00@7", Send(Overwrite, [1, 0, 0, 0]));
        Assert.Equal("5/24/00@7", Send(Overwrite, List(1, new byte[513])));
        Assert.Equal("5/26/00@P0.4", Send(Overwrite, List(0, 1)));
        Assert.Equal("5/26/00@P0.6", Send(Overwrite, List(0x21, 1)));
        Assert.Equal("5/26/00@P2", Send(Overwrite, [1, 0, 0, 0, 1]));
        Assert.Equal("5/26/00@P2", Send(Overwrite, [1, 0, 0, 2, 1]));
        Assert.Equal("Good", _bench.Refusal(Cdb(ExitFailureMode)));
        Assert.Equal("7/27/00", new Bench(new MemoryBlockDevice(isReadOnly: true)).Refusal(Cdb(BlockErase)));
        Assert.Empty(_bench.Device.Zeroed);
    }
}

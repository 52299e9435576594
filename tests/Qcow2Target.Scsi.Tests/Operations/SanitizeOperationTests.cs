using Qcow2Target.Scsi.Operations;
using Qcow2Target.Scsi.Tests.Support;
using Qcow2Target.Testing;

namespace Qcow2Target.Scsi.Tests.Operations;

/// <summary>What is on record of a sanitize operation, and what becomes of a medium that has one.</summary>
public sealed class SanitizeOperationTests
{
    private static readonly byte[] TestUnitReady = [0x00];
    private static readonly byte[] BlockErase = [0x48, 0x02, 0, 0, 0, 0, 0, 0, 0, 0];
    private static readonly byte[] BlockEraseThatMayFail = [0x48, 0x22, 0, 0, 0, 0, 0, 0, 0, 0];
    private static readonly byte[] ExitFailureMode = [0x48, 0x1F, 0, 0, 0, 0, 0, 0, 0, 0];
    private static readonly byte[] OverwriteList = [0x02, 0, 0, 1, 7];
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly RecordingKeeper _keeper = new();
    private readonly Bench _bench;

    public SanitizeOperationTests() => _bench = NewBench();

    private Bench NewBench() => new(new MemoryBlockDevice(blocks: 2048), settings: new LogicalUnitSettings { SanitizeKeeper = _keeper });

    private static byte[] Overwrite(byte flags = 0) => [0x48, (byte)(flags | 0x01), 0, 0, 0, 0, 0, 0, (byte)OverwriteList.Length, 0];

    private static bool IsUntouched(Bench bench) => bench.Device.Writes.Count == 0 && bench.Device.Zeroed.Count == 0;

    [Fact]
    public void It_is_on_record_before_the_first_block_goes_and_no_more_after_the_last()
    {
        var untouched = new List<bool>();
        _keeper.Takes = _ =>
        {
            untouched.Add(IsUntouched(_bench));
            return true;
        };
        Assert.Equal("Good", _bench.Refusal(Overwrite(), OverwriteList));

        Assert.Equal([true, false], untouched);
        Assert.Equal(OverwriteList, _keeper.Kept[0]!.OverwriteList.ToArray());
        Assert.Null(_keeper.Kept[1]);
        Assert.Equal(2, _bench.Device.Flushes);
    }

    [Theory]
    [InlineData(0x00)]
    [InlineData(0x80)]
    public void One_that_cannot_be_put_on_record_changes_nothing(byte immediate)
    {
        _keeper.Takes = _ => false;
        Assert.Equal("4/44/00", _bench.Refusal(Overwrite(immediate), OverwriteList));
        Assert.True(IsUntouched(_bench));
        Assert.Equal("Good", _bench.Refusal(TestUnitReady));
    }

    [Fact]
    public void One_whose_record_cannot_be_removed_keeps_everybody_out()
    {
        _keeper.Takes = record => record is not null;
        Assert.Equal("4/44/00", _bench.Refusal(BlockErase));
        Assert.Equal("3/31/03", _bench.Refusal(TestUnitReady));
        _keeper.Takes = _ => true;
        Assert.Equal("Good", _bench.Refusal(BlockErase));
        Assert.Equal("Good", _bench.Refusal(TestUnitReady));
    }

    [Fact]
    public void A_failure_stays_on_record_and_its_exit_takes_it_off()
    {
        _bench.Device.WriteFault = BlockDeviceFault.WriteError;
        Assert.Equal("3/0C/00", _bench.Refusal(BlockEraseThatMayFail));
        Assert.Equal(FailureExit.Allowed, Assert.Single(_keeper.Kept)!.Exit);

        _keeper.Takes = _ => false;
        Assert.Equal("4/44/00", _bench.Refusal(ExitFailureMode));
        Assert.Equal("3/31/03", _bench.Refusal(TestUnitReady));

        _keeper.Takes = _ => true;
        Assert.Equal("Good", _bench.Refusal(ExitFailureMode));
        Assert.Null(_keeper.Kept[^1]);
        Assert.Equal("Good", _bench.Refusal(TestUnitReady));
    }

    [Theory]
    [InlineData("sanitize", 0x48, 0x82)]
    [InlineData("format", 0x04, 0x00)]
    public async Task A_fence_that_an_abort_raises_holds_it_up_and_does_not_end_it(string what, byte opcode, byte flags)
    {
        int looks = 0;
        _bench.Device.WriteFault = BlockDeviceFault.Fenced;
        _bench.Device.BeforeAsync = () => Interlocked.Increment(ref looks);
        Task<string> command = Task.Run(() => _bench.Refusal([opcode, flags, 0, 0, 0, 0, 0, 0, 0, 0]));
        await Eventually.That(() => Volatile.Read(ref looks) > 1);
        Assert.Equal(what == "sanitize" ? "2/04/1B" : "2/04/04", _bench.Refusal(TestUnitReady)[..7]);
        Task over = _bench.Unit.Medium.Operation!.Completion;
        _bench.Device.WriteFault = null;

        Assert.Equal("Good", await command.WaitAsync(Limit));
        await over.WaitAsync(Limit);
        Assert.Equal("Good", _bench.Refusal(TestUnitReady));
        Assert.NotEmpty(_bench.Device.Zeroed);
    }

    [Fact]
    public void A_further_one_that_cannot_be_put_on_record_leaves_the_failure_as_it_was()
    {
        _bench.Device.WriteFault = BlockDeviceFault.WriteError;
        Assert.Equal("3/0C/00", _bench.Refusal(BlockErase));
        _keeper.Takes = _ => false;
        Assert.Equal("4/44/00", _bench.Refusal(BlockEraseThatMayFail));
        Assert.Equal("5/24/00@1.4", _bench.Refusal(ExitFailureMode));
    }

    [Fact]
    public async Task A_medium_with_a_record_is_sanitized_again_before_anybody_gets_at_it()
    {
        Assert.Equal("Good", _bench.Refusal(Overwrite(), OverwriteList));
        Bench again = NewBench();
        var gate = new TaskCompletionSource();
        again.Device.FlushGate = gate.Task;
        again.Unit.TakeUp(_keeper.Kept[0]!, SanitizeResumption.GoesOn);

        Assert.Equal("2/04/1B", again.Refusal(TestUnitReady));
        Task over = again.Unit.Medium.Operation!.Completion;
        gate.SetResult();
        await over.WaitAsync(Limit);
        Assert.Equal("Good", again.Refusal(TestUnitReady));
        Assert.Equal(-1, again.Device.Bytes.AsSpan().IndexOfAnyExcept((byte)7));
        Assert.Null(_keeper.Kept[^1]);
    }

    [Fact]
    public async Task A_medium_that_takes_no_writes_stays_closed_when_it_should_go_on()
    {
        _bench.Device.WriteFault = BlockDeviceFault.WriteProtected;
        _bench.Unit.TakeUp(new SanitizeRecord(FailureExit.OnlyBySanitizing, default), SanitizeResumption.GoesOn);
        await _bench.Unit.Medium.Operation!.Completion.WaitAsync(Limit);
        Assert.Equal("3/31/03", _bench.Refusal(TestUnitReady));
        Assert.NotNull(Assert.Single(_keeper.Kept));
    }

    [Theory]
    [InlineData(FailureExit.OnlyBySanitizing, "5/24/00@1.4", "3/31/03")]
    [InlineData(FailureExit.Allowed, "Good", "Good")]
    public void A_medium_whose_sanitizing_was_given_up_is_closed_and_left_alone(FailureExit exit, string leaving, string after)
    {
        _bench.Unit.TakeUp(new SanitizeRecord(exit, default), SanitizeResumption.HasFailed);
        Assert.Equal("3/31/03", _bench.Refusal(TestCdb.Ten(0x28, 0, 1)));
        Assert.True(IsUntouched(_bench));
        Assert.Equal(leaving, _bench.Refusal(ExitFailureMode));
        Assert.Equal(after, _bench.Refusal(TestUnitReady));
        Assert.Equal("Good", _bench.Refusal(BlockErase));
        Assert.Equal("Good", _bench.Refusal(TestUnitReady));
    }

    [Theory]
    [InlineData(new byte[] { 1 })]
    [InlineData(new byte[] { 0, 0, 0, 1, 7 })]
    [InlineData(new byte[] { 1, 0, 0, 2, 7 })]
    public void A_record_that_cannot_be_read_has_failed(byte[] list)
    {
        _bench.Unit.TakeUp(new SanitizeRecord(FailureExit.Allowed, list), SanitizeResumption.GoesOn);
        Assert.Equal("3/31/03", _bench.Refusal(TestUnitReady));
        Assert.True(IsUntouched(_bench));
    }

    [Fact]
    public async Task A_format_that_was_judged_before_a_sanitize_failed_does_not_open_the_medium()
    {
        CommandPlan format = _bench.Begin([0x04]);
        _bench.Device.WriteFault = BlockDeviceFault.WriteError;
        Assert.Equal("3/0C/00", _bench.Refusal(BlockErase));
        _bench.Device.WriteFault = null;
        Assert.Equal("3/31/03", Bench.Describe(await Bench.RunAsync(format, [], default)));
        Assert.Equal("3/31/03", _bench.Refusal(TestUnitReady));
    }
}

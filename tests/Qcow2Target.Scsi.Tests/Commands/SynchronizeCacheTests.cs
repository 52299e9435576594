using Qcow2Target.Scsi.Tests.Support;
using Qcow2Target.Testing;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class SynchronizeCacheTests
{
    private readonly Bench _bench = new();

    [Theory]
    [InlineData(0x35, 0, 0)]
    [InlineData(0x35, 8192, 0)]
    [InlineData(0x91, 0, 8192)]
    [InlineData(0x91, 100, 0)]
    public void Any_range_flushes_everything_once(byte opcode, ulong lba, uint blocks)
    {
        Assert.Equal("Good", _bench.Refusal(TestCdb.Of(opcode, lba, blocks)));
        Assert.Equal(1, _bench.Device.Flushes);
    }

    [Theory]
    [InlineData(0x35, 8193, 0)]
    [InlineData(0x35, 8192, 1)]
    [InlineData(0x91, ulong.MaxValue, 1)]
    public void Blocks_behind_the_end_are_refused(byte opcode, ulong lba, uint blocks) =>
        Assert.Equal("5/21/00", _bench.Refusal(TestCdb.Of(opcode, lba, blocks)));

    [Fact]
    public void A_failed_flush_is_told()
    {
        _bench.Device.FlushFault = BlockDeviceFault.WriteError;

        Assert.Equal("3/0C/00", _bench.Refusal(TestCdb.Ten(0x35, 0, 0)));
    }

    [Theory]
    [InlineData(0x35)]
    [InlineData(0x91)]
    public void Immediate_answers_before_the_flush_ends(byte opcode)
    {
        var gate = new TaskCompletionSource();
        _bench.Device.FlushGate = gate.Task;

        Assert.Equal("Good", _bench.Refusal(TestCdb.Of(opcode, 0, 0, 0x02)));
        Assert.Equal(0, _bench.Device.Flushes);

        gate.SetResult();
        Assert.Equal(1, _bench.Device.Flushes);
    }

    [Theory]
    [InlineData(0x35)]
    [InlineData(0x91)]
    public async Task An_abort_does_not_wait_for_the_flush(byte opcode)
    {
        var gate = new TaskCompletionSource();
        _bench.Device.FlushGate = gate.Task;
        using var abort = new CancellationTokenSource();
        Task<ScsiOutcome> command = _bench.Begin(TestCdb.Of(opcode, 0, 0)).ExecuteAsync(default, abort.Token).AsTask();
        Assert.False(command.IsCompleted);

        await abort.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => command.WaitAsync(TimeSpan.FromSeconds(10)));
        gate.SetResult();
        await Eventually.That(() => _bench.Device.Flushes == 1);
    }

    [Fact]
    public void A_read_only_disk_may_be_flushed() =>
        Assert.Equal("Good", new Bench(new MemoryBlockDevice(isReadOnly: true)).Refusal(TestCdb.Ten(0x35, 0, 0)));
}

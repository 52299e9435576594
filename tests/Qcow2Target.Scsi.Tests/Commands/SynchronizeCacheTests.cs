using Qcow2Target.Scsi.Reservations;
using Qcow2Target.Scsi.Sense;
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

    [Fact]
    public void After_a_failed_sync_the_next_flush_of_every_nexus_fails_though_the_disk_works_again()
    {
        ItNexus other = _bench.NewNexus();

        _bench.Device.FailedSyncs = 1;

        ItNexus later = _bench.NewNexus();
        foreach (ItNexus nexus in new[] { _bench.Nexus, other })
        {
            Assert.Equal("Good", _bench.Refusal([0x35, 0x02, 0, 0, 0, 0, 0, 0, 0, 0], nexus: nexus));   // IMMED tells nothing, and nothing is taken as told
            Assert.Equal("3/0C/00", _bench.Refusal(TestCdb.Ten(0x35, 0, 0), nexus: nexus));
            Assert.Equal("Good", _bench.Refusal(TestCdb.Ten(0x35, 0, 0), nexus: nexus));
        }
        Assert.Equal("Good", _bench.Refusal(TestCdb.Ten(0x35, 0, 0), nexus: later));
    }

    [Fact]
    public void Who_was_away_when_a_sync_failed_is_told_when_it_is_back()
    {
        InitiatorPort board = Bench.FreshInitiator();
        ItNexus before = new(Bench.Port, board, UnitAttention.PowerOn);
        Assert.Equal("6/29/00", _bench.Refusal([0x00], nexus: before));
        before.Close();

        _bench.Device.FailedSyncs = 1;

        ItNexus back = new(Bench.Port, board, UnitAttention.NexusLoss);
        Assert.Equal("6/29/07", _bench.Refusal([0x00], nexus: back));
        Assert.Equal("3/0C/00", _bench.Refusal(TestCdb.Ten(0x35, 0, 0), nexus: back));
        Assert.Equal("Good", _bench.Refusal(TestCdb.Ten(0x35, 0, 0), nexus: back));
    }

    [Fact]
    public async Task Who_aborts_a_flush_is_told_of_a_failed_sync_by_the_next()
    {
        var gate = new TaskCompletionSource();
        _bench.Device.FlushGate = gate.Task;
        using var abort = new CancellationTokenSource();
        Task<ScsiOutcome> aborted = _bench.Begin(TestCdb.Ten(0x35, 0, 0)).ExecuteAsync(default, abort.Token).AsTask();
        abort.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => aborted);

        _bench.Device.FailedSyncs = 1;
        gate.SetResult();

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

using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class TestUnitReadyTests
{
    private static readonly byte[] TestUnitReady = [0x00];

    [Theory]
    [InlineData(UnitAvailability.Ready, "Good")]
    [InlineData(UnitAvailability.Offline, "2/04/12")]
    [InlineData(UnitAvailability.Gone, "5/25/00")]
    public void A_settled_unit_answers_at_once(UnitAvailability availability, string expected)
    {
        var bench = new Bench();
        bench.Unit.Availability = availability;

        Assert.Equal(PlanKind.Complete, bench.Begin(TestUnitReady).Kind);
        Assert.Equal(expected, bench.Refusal(TestUnitReady));
    }

    [Theory]
    [InlineData(UnitAvailability.Ready, "Good")]
    [InlineData(UnitAvailability.Offline, "2/04/12")]
    public async Task A_unit_that_becomes_ready_holds_the_answer(UnitAvailability availability, string expected)
    {
        var bench = new Bench();
        bench.Unit.Availability = UnitAvailability.BecomingReady;

        ValueTask<ScsiOutcome> answer = bench.Begin(TestUnitReady).ExecuteAsync(default, default);
        Assert.False(answer.IsCompleted);
        bench.Unit.Availability = availability;

        Assert.Equal(expected, Bench.Describe(await answer));
    }

    [Fact]
    public async Task A_unit_that_takes_too_long_is_not_ready()
    {
        var time = new ManualTime();
        var bench = new Bench(settings: new LogicalUnitSettings { Time = time });
        bench.Unit.Availability = UnitAvailability.BecomingReady;

        Task<ScsiOutcome> answer = bench.Begin(TestUnitReady).ExecuteAsync(default, default).AsTask();
        time.Fire(ScsiLimits.ReadyWait);

        Assert.Equal("2/04/01", Bench.Describe(await answer));
    }

    [Fact]
    public async Task An_abort_ends_the_wait()
    {
        var bench = new Bench();
        bench.Unit.Availability = UnitAvailability.BecomingReady;
        using var abort = new CancellationTokenSource();

        Task<ScsiOutcome> answer = bench.Begin(TestUnitReady).ExecuteAsync(default, abort.Token).AsTask();
        await abort.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
    }
}

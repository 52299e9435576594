namespace Qcow2Target.ActorRuntime.Tests.Scheduling;

public sealed class SchedulerTests : TestKit
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(100);

    [Fact]
    public void Once_is_once_and_not_early()
    {
        TimeSpan start = Sys.Scheduler.MonotonicClock;
        Sys.Scheduler.ScheduleTellOnce(Soon, TestActor, "tick", TestActor);
        ExpectMsg("tick");
        Assert.InRange(Sys.Scheduler.MonotonicClock - start, Soon - TimeSpan.FromMilliseconds(15), TimeSpan.FromSeconds(3));
        Assert.Equal(TestActor, LastSender);
        ExpectNoMsg(200);
    }

    [Fact]
    public void Repeatedly_goes_on_until_cancelled()
    {
        ICancelable cancelable = Sys.Scheduler.ScheduleTellRepeatedlyCancelable(TimeSpan.Zero, Soon, TestActor, "tick", ActorRefs.NoSender);
        for (int i = 0; i < 3; i++) ExpectMsg("tick");
        Assert.False(cancelable.IsCancellationRequested);
        cancelable.Cancel();
        Assert.True(cancelable.IsCancellationRequested);
        while (ReceiveOne(TimeSpan.Zero) is not null) continue;
        ExpectNoMsg(250);
    }

    [Fact]
    public void A_cancelled_one_does_not_fire()
    {
        var cancelable = new Cancelable(Sys.Scheduler);
        Sys.Scheduler.ScheduleTellOnce(Soon, TestActor, "tick", ActorRefs.NoSender, cancelable);
        cancelable.Cancel();
        Sys.Scheduler.ScheduleTellOnceCancelable(Soon, TestActor, "tock", ActorRefs.NoSender).Cancel();
        ExpectNoMsg(300);
    }

    [Fact]
    public void Actions_run_later()
    {
        Sys.Scheduler.Advanced.ScheduleOnce(Soon, () => TestActor.Tell("acted", ActorRefs.NoSender));
        ExpectMsg("acted");
        Sys.Scheduler.Advanced.ScheduleOnceCancelable(Soon, () => TestActor.Tell("acted", ActorRefs.NoSender)).Cancel();
        ExpectNoMsg(250);
    }

    [Fact]
    public void Impossible_times_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Sys.Scheduler.ScheduleTellOnce(TimeSpan.FromSeconds(-1), TestActor, "x", ActorRefs.NoSender));
        Assert.Throws<ArgumentOutOfRangeException>(() => Sys.Scheduler.ScheduleTellRepeatedly(Soon, TimeSpan.Zero, TestActor, "x", ActorRefs.NoSender));
    }
}

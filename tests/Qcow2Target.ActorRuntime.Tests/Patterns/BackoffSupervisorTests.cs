using System.Diagnostics;

namespace Qcow2Target.ActorRuntime.Tests.Patterns;

public sealed class BackoffSupervisorTests : TestKit
{
    private static readonly TimeSpan Min = TimeSpan.FromMilliseconds(700);
    private static readonly TimeSpan Max = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    [Fact]
    public void A_child_that_stops_is_started_again_after_a_pause()
    {
        IActorRef supervisor = Sys.ActorOf(BackoffSupervisor.Props(OnStop()));
        IActorRef first = ExpectMsg<IActorRef>();
        supervisor.Tell("hello");
        ExpectMsg("hello");
        Watch(first);
        long before = Stopwatch.GetTimestamp();
        supervisor.Tell("stop");
        ExpectTerminated(first, Limit);
        IActorRef second = ExpectMsg<IActorRef>(Limit);
        MustHavePaused(before);
        Assert.NotEqual(first, second);
        supervisor.Tell(BackoffSupervisor.GetCurrentChild.Instance);
        Assert.Equal(second, ExpectMsg<BackoffSupervisor.CurrentChild>().Ref);
        supervisor.Tell(BackoffSupervisor.GetRestartCount.Instance);
        Assert.Equal(1, ExpectMsg<BackoffSupervisor.RestartCount>().Count);
    }

    [Fact]
    public void A_child_that_fails_is_started_again_after_a_pause()
    {
        IActorRef supervisor = Sys.ActorOf(BackoffSupervisor.Props(Backoff.OnFailure(Child(), "child", Min, Max, 0, -1)));
        ExpectMsg<IActorRef>();
        long before = Stopwatch.GetTimestamp();
        supervisor.Tell("fail");
        ExpectMsg<IActorRef>(Limit);
        MustHavePaused(before);
        supervisor.Tell("hello");
        ExpectMsg("hello");
    }

    [Fact]
    public void A_child_for_failures_that_stops_takes_its_supervisor_along()
    {
        IActorRef supervisor = Sys.ActorOf(BackoffSupervisor.Props(Backoff.OnFailure(Child(), "child", Min, Max, 0, -1)));
        ExpectMsg<IActorRef>();
        Watch(supervisor);
        supervisor.Tell("stop");
        ExpectTerminated(supervisor);
    }

    [Fact]
    public void The_supervisor_gives_up_after_its_retries()
    {
        IActorRef supervisor = Sys.ActorOf(BackoffSupervisor.Props(OnStop().WithMaxNrOfRetries(1).WithManualReset()));
        Watch(supervisor);
        ExpectMsg<IActorRef>();
        supervisor.Tell("stop");
        ExpectMsg<IActorRef>();
        supervisor.Tell("stop");
        ExpectTerminated(supervisor);
    }

    [Fact]
    public void A_reply_covers_for_the_child_while_it_is_down()
    {
        BackoffOptions downForLong = Backoff.OnStop(Child(), "child", TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1), 0, -1);
        IActorRef supervisor = Sys.ActorOf(BackoffSupervisor.Props(downForLong.WithReplyWhileStopped("down")));
        IActorRef child = ExpectMsg<IActorRef>();
        Watch(child);
        supervisor.Tell("stop");
        ExpectTerminated(child);
        AwaitAssert(() =>
        {
            supervisor.Tell("hello");
            ExpectMsg("down");
        }, interval: TimeSpan.FromMilliseconds(10));
    }

    [Fact]
    public void A_final_stop_message_ends_both()
    {
        IActorRef supervisor = Sys.ActorOf(BackoffSupervisor.Props(OnStop().WithFinalStopMessage(message => message is "stop")));
        ExpectMsg<IActorRef>();
        Watch(supervisor);
        supervisor.Tell("stop");
        ExpectTerminated(supervisor);
    }

    [Fact]
    public void A_manual_reset_forgets_the_restarts()
    {
        IActorRef supervisor = Sys.ActorOf(BackoffSupervisor.Props(OnStop().WithManualReset()));
        ExpectMsg<IActorRef>();
        supervisor.Tell("stop");
        ExpectMsg<IActorRef>();
        supervisor.Tell(BackoffSupervisor.Reset.Instance);
        supervisor.Tell(BackoffSupervisor.GetRestartCount.Instance);
        Assert.Equal(0, ExpectMsg<BackoffSupervisor.RestartCount>().Count);
    }

    // A busy machine makes the pause longer, never shorter; timers are precise to 50 ms.
    private static void MustHavePaused(long since) => Assert.True(Stopwatch.GetElapsedTime(since) >= Min - TimeSpan.FromMilliseconds(50));

    private BackoffOptions OnStop() => Backoff.OnStop(Child(), "child", Min, Max, 0, -1).WithAutoReset(TimeSpan.FromMinutes(1));

    private Props Child() => Props.Create(() => new Worker(TestActor));

    private sealed class Worker : ReceiveActor
    {
        public Worker(IActorRef report)
        {
            report.Tell(Self);
            Receive<string>(text => text == "stop", _ => Context.Stop(Self));
            Receive<string>(text => text == "fail", _ => throw new InvalidOperationException("on demand"));
            ReceiveAny(message => Sender.Tell(message));
        }
    }
}

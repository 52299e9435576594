namespace Qcow2Target.ActorRuntime.Tests.Cells;

public sealed class ReceiveTimeoutTests : TestKit
{
    [Fact]
    public void It_comes_after_silence_and_again()
    {
        Sys.ActorOf(Props.Create(() => new Sleepy(100, TestActor)));
        ExpectMsg("timeout");
        ExpectMsg("timeout");
    }

    [Fact]
    public void Messages_put_it_off_unless_they_are_marked()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Sleepy(1000, TestActor)));
        for (int i = 0; i < 5; i++)
        {
            actor.Tell("noise");
            ExpectNoMsg(300);
        }

        ExpectMsg("timeout");
        actor.Tell("noise");
        for (int i = 0; i < 3; i++)
        {
            actor.Tell(new Quiet());
            ExpectNoMsg(250);
        }

        ExpectMsg("timeout", TimeSpan.FromMilliseconds(800));
    }

    [Fact]
    public void It_survives_a_restart()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Sleepy(0, TestActor)));
        actor.Tell(150);
        EventFilter.Exception<InvalidOperationException>().ExpectOne(() => actor.Tell("fail"));
        ExpectMsg("timeout");
    }

    [Fact]
    public void Null_ends_it()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Sleepy(100, TestActor)));
        ExpectMsg("timeout");
        actor.Tell(0);
        ExpectMsg("off");
        ExpectNoMsg(300);
    }

    [Fact]
    public void It_does_not_come_while_a_handler_waits()
    {
        var gate = new TaskCompletionSource();
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Awaiting(gate.Task, TestActor)));
        actor.Tell("wait");
        ExpectMsg("begin");
        ExpectNoMsg(300);
        gate.SetResult();
        ExpectMsg("end");
        ExpectMsg("timeout");
    }

    private sealed class Quiet : INotInfluenceReceiveTimeout;

    private sealed class Sleepy : ReceiveActor
    {
        public Sleepy(int milliseconds, IActorRef report)
        {
            if (milliseconds > 0) SetReceiveTimeout(TimeSpan.FromMilliseconds(milliseconds));
            Receive<ReceiveTimeout>(_ => report.Tell("timeout"));
            Receive<int>(timeout =>
            {
                Context.SetReceiveTimeout(timeout == 0 ? null : TimeSpan.FromMilliseconds(timeout));
                if (Context.ReceiveTimeout is null) report.Tell("off");
            });
            Receive<string>(text => text == "fail", _ => throw new InvalidOperationException("on demand"));
            ReceiveAny(_ => { });
        }
    }

    private sealed class Awaiting : ReceiveActor
    {
        public Awaiting(Task gate, IActorRef report)
        {
            SetReceiveTimeout(TimeSpan.FromMilliseconds(100));
            ReceiveAsync<string>(async _ =>
            {
                report.Tell("begin");
                await gate;
                report.Tell("end");
            });
            Receive<ReceiveTimeout>(_ =>
            {
                report.Tell("timeout");
                SetReceiveTimeout(null);
            });
        }
    }
}

using System.Runtime.CompilerServices;

namespace Qcow2Target.ActorRuntime.Tests.Strict;

/// <summary>Where Akka may hand out the context of another actor, or run the rest of an old handler in a new incarnation.</summary>
public sealed class AsyncHandlerTests : TestKit
{
    [Fact]
    public void The_context_is_gone_where_an_await_does_not_come_back()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Stray()));
        actor.Tell("go");
        ExpectMsg("begin");
        ExpectMsg<NotSupportedException>();
    }

    [Fact]
    public void The_rest_of_a_handler_never_runs_in_a_later_incarnation()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        IActorRef parent = Sys.ActorOf(Props.Create(() => new AllForOneParent(gate.Task, TestActor)));
        parent.Tell("wait");
        ExpectMsg("begin");
        parent.Tell("fail the other");
        ExpectMsg("restarted");
        parent.Tell("hello");
        ExpectMsg("hello");
        gate.SetResult();
        ExpectNoMsg(200);
    }

    [Fact]
    public void A_constructor_cannot_make_another_actor_with_new()
    {
        Sys.ActorOf(Props.Create(() => new Smuggler(TestActor)));
        ExpectMsg<ActorInitializationException>();
    }

    private sealed class Stray : ReceiveActor
    {
        public Stray() => ReceiveAsync<string>(async _ =>
        {
            IActorRef sender = Sender;
            sender.Tell("begin");
            await new FreshThread();
            try
            {
                sender.Tell(new InvalidOperationException($"still there: {Self}"));
            }
            catch (NotSupportedException e)
            {
                sender.Tell(e);
            }
        });
    }

    /// <summary>
    /// Goes on as after ConfigureAwait(false), but on a thread of its own: one of the pool may have kept the test actor from a test that began on it.
    /// </summary>
    private readonly struct FreshThread : INotifyCompletion
    {
        public bool IsCompleted => false;

        public FreshThread GetAwaiter() => this;

        public void OnCompleted(Action continuation) => new Thread(() => continuation()) { IsBackground = true }.Start();

        public void GetResult()
        {
        }
    }

    private sealed class AllForOneParent : ReceiveActor
    {
        public AllForOneParent(Task gate, IActorRef report)
        {
            IActorRef waiting = Context.ActorOf(Props.Create(() => new Awaiting(gate, report)));
            IActorRef fragile = Context.ActorOf(Props.Create(() => new Fragile()));
            Receive<string>(text => text == "fail the other", _ => fragile.Tell("fail"));
            ReceiveAny(waiting.Forward);
        }

        protected override SupervisorStrategy SupervisorStrategy() => new AllForOneStrategy(_ => Directive.Restart);
    }

    private sealed class Awaiting : ReceiveActor
    {
        private readonly IActorRef _report;

        public Awaiting(Task gate, IActorRef report)
        {
            _report = report;
            ReceiveAsync<string>(text => text == "wait", async _ =>
            {
                report.Tell("begin");
                try
                {
                    await gate;
                    report.Tell("rest");
                }
                finally
                {
                    report.Tell("finally");
                }
            });
            ReceiveAny(message => Sender.Tell(message));
        }

        protected override void PostRestart(Exception reason) => _report.Tell("restarted");
    }

    private sealed class Fragile : ReceiveActor
    {
        public Fragile() => ReceiveAny(_ => throw new InvalidOperationException("on demand"));
    }

    private sealed class Smuggler : ReceiveActor
    {
        public Smuggler(IActorRef report)
        {
            try
            {
                Activator.CreateInstance<Fragile>();
            }
            catch (System.Reflection.TargetInvocationException e)
            {
                report.Tell(e.InnerException!);
            }
            catch (ActorInitializationException e)
            {
                report.Tell(e);
            }
        }
    }
}

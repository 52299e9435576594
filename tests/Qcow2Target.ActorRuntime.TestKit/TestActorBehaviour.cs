namespace Qcow2Target.ActorTestKit;

/// <summary>The actor behind a test: puts what it gets into the queue.</summary>
internal sealed class TestActorBehaviour : ActorBase
{
    private readonly TestMessageQueue _queue;
    private Func<object, bool> _ignores = _ => false;

    public TestActorBehaviour(TestMessageQueue queue) => _queue = queue;

    protected override bool Receive(object message)
    {
        switch (message)
        {
            case DoOnTurn command:
                command.Action(Context);
                command.Done.SetResult();
                break;
            case SetIgnored command:
                _ignores = command.Ignores;
                command.Done.SetResult();
                break;
            default:
                if (!_ignores(message)) _queue.Add(new Envelope(message, Sender));
                break;
        }

        return true;
    }

    internal sealed record DoOnTurn(Action<IActorContext> Action, TaskCompletionSource Done);

    internal sealed record SetIgnored(Func<object, bool> Ignores, TaskCompletionSource Done);
}

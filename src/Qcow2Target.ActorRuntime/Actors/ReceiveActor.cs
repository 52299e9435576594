namespace Qcow2Target.ActorRuntime;

/// <summary>
/// An actor whose handlers are registered by type, in its constructor and in the delegates given to <c>Become</c>. The first match wins.
/// </summary>
public abstract class ReceiveActor : UntypedActor
{
    private readonly MessageHandlers _initial;
    private MessageHandlers _configuring;

    protected ReceiveActor() => _initial = _configuring = new MessageHandlers();

    internal sealed override void OnConstructed() => _configuring = null;

    protected sealed override void OnReceive(object message) => Handle(_initial, message);

    protected void Become(Action configure) => Become(Configure(configure), BehaviourChange.Replace);

    protected void BecomeStacked(Action configure) => Become(Configure(configure), BehaviourChange.Push);

    protected void Receive<T>(Action<T> handler, Predicate<T> shouldHandle = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        Handlers.Add(handler, shouldHandle);
    }

    protected void Receive<T>(Predicate<T> shouldHandle, Action<T> handler) => Receive(handler, shouldHandle);

    /// <summary>A handler that returns false leaves the message to the next.</summary>
    protected void Receive<T>(Func<T, bool> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        Handlers.Add(handler);
    }

    protected void Receive(Type messageType, Action<object> handler, Predicate<object> shouldHandle = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        Handlers.Add(messageType, handler, shouldHandle);
    }

    protected void ReceiveAny(Action<object> handler) => Receive(handler, null);

    /// <summary>
    /// The mailbox waits until the task ends. If the actor is stopped or restarted while the handler waits, the rest of it never runs, not even
    /// <c>finally</c>.
    /// </summary>
    protected void ReceiveAsync<T>(Func<T, Task> handler, Predicate<T> shouldHandle = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        Handlers.Add(message => ActorCell.Require().AsyncHandlers.Run(handler, message), shouldHandle);
    }

    protected void ReceiveAsync<T>(Predicate<T> shouldHandle, Func<T, Task> handler) => ReceiveAsync(handler, shouldHandle);

    protected void ReceiveAnyAsync(Func<object, Task> handler) => ReceiveAsync(handler, null);

    private MessageHandlers Handlers => _configuring ?? throw new InvalidOperationException(
        "Handlers are registered in the constructor and in the delegates given to Become and BecomeStacked only.");

    private Receive Configure(Action configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        MessageHandlers outer = _configuring;
        var handlers = new MessageHandlers();
        _configuring = handlers;
        try
        {
            configure();
        }
        finally
        {
            _configuring = outer;
        }

        return message =>
        {
            Handle(handlers, message);
            return true;
        };
    }

    private void Handle(MessageHandlers handlers, object message)
    {
        if (!handlers.Handle(message)) Unhandled(message);
    }
}

namespace Qcow2Target.ActorRuntime;

/// <summary>The handlers of one behaviour of a <see cref="ReceiveActor"/>, tried in order of registration.</summary>
internal sealed class MessageHandlers
{
    private readonly List<Func<object, bool>> _handlers = [];
    private bool _takesAll;

    /// <summary>Adds a handler of messages of a type.</summary>
    public void Add<T>(Func<T, bool> handler) => Append(message => message is T typed && handler(typed), takesAll: false);

    /// <summary>Adds a handler of all messages of a type that pass the filter, if there is one.</summary>
    public void Add<T>(Action<T> handler, Predicate<T> filter) => Append(
        message =>
        {
            if (message is not T typed || (filter is not null && !filter(typed))) return false;
            handler(typed);
            return true;
        },
        takesAll: filter is null && typeof(T) == typeof(object));

    public void Add(Type type, Action<object> handler, Predicate<object> filter)
    {
        ArgumentNullException.ThrowIfNull(type);
        Append(
            message =>
            {
                if (!type.IsInstanceOfType(message) || (filter is not null && !filter(message))) return false;
                handler(message);
                return true;
            },
            takesAll: filter is null && type == typeof(object));
    }

    public bool Handle(object message)
    {
        foreach (Func<object, bool> handler in _handlers)
            if (handler(message)) return true;
        return false;
    }

    private void Append(Func<object, bool> handler, bool takesAll)
    {
        if (_takesAll) throw new InvalidOperationException("A handler that takes all messages was added before: no handler after it can be reached.");
        _handlers.Add(handler);
        _takesAll = takesAll;
    }
}

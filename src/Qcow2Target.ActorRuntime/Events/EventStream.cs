using System.Collections.Concurrent;

namespace Qcow2Target.ActorRuntime;

/// <summary>Publishes objects to the subscribers of their type, its bases and its interfaces. Usable from any thread.</summary>
public sealed class EventStream
{
    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<Type, InternalActorRef[]> _byType = new();
    private readonly List<(InternalActorRef Subscriber, Type Channel)> _subscriptions = [];
    private int _logLevel = (int)LogLevel.ErrorLevel + 1;

    internal EventStream()
    {
    }

    /// <summary>What is below is not logged.</summary>
    public LogLevel LogLevel
    {
        get => (LogLevel)Volatile.Read(ref _logLevel);
        internal set => Volatile.Write(ref _logLevel, (int)value);
    }

    /// <summary>False when the subscriber gets these already.</summary>
    public bool Subscribe(IActorRef subscriber, Type channel)
    {
        ArgumentNullException.ThrowIfNull(channel);
        InternalActorRef actor = InternalActorRef.Of(subscriber);
        lock (_lock)
        {
            if (_subscriptions.Exists(s => s.Subscriber.Equals(actor) && s.Channel.IsAssignableFrom(channel))) return false;
            _subscriptions.Add((actor, channel));
            _byType.Clear();
            return true;
        }
    }

    public bool Unsubscribe(IActorRef subscriber) => Remove(InternalActorRef.Of(subscriber), _ => true);

    public bool Unsubscribe(IActorRef subscriber, Type channel)
    {
        ArgumentNullException.ThrowIfNull(channel);
        return Remove(InternalActorRef.Of(subscriber), channel.IsAssignableFrom);
    }

    public void Publish(object @event)
    {
        ArgumentNullException.ThrowIfNull(@event);
        if (!_byType.TryGetValue(@event.GetType(), out InternalActorRef[] subscribers)) subscribers = Find(@event.GetType());
        foreach (InternalActorRef subscriber in subscribers)
        {
            if (subscriber.IsTerminated) Unsubscribe(subscriber);   // or a dead letter listener's end would breed dead letters
            else subscriber.Tell(@event, ActorRefs.NoSender);
        }
    }

    private InternalActorRef[] Find(Type type)
    {
        lock (_lock)
        {
            InternalActorRef[] subscribers = [.. _subscriptions.Where(s => s.Channel.IsAssignableFrom(type)).Select(s => s.Subscriber).Distinct()];
            _byType[type] = subscribers;
            return subscribers;
        }
    }

    private bool Remove(InternalActorRef subscriber, Predicate<Type> channels)
    {
        lock (_lock)
        {
            bool any = _subscriptions.RemoveAll(s => s.Subscriber.Equals(subscriber) && channels(s.Channel)) > 0;
            if (any) _byType.Clear();
            return any;
        }
    }
}

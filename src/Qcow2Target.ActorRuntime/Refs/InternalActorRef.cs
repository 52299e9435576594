namespace Qcow2Target.ActorRuntime;

/// <summary>Base of the refs of this runtime: what the runtime itself needs of a ref.</summary>
public abstract class InternalActorRef : IActorRef
{
    internal InternalActorRef()
    {
    }

    public abstract ActorPath Path { get; }

    internal abstract LocalActorSystem System { get; }

    internal abstract bool IsTerminated { get; }

    public void Tell(object message, IActorRef sender)
    {
        ArgumentNullException.ThrowIfNull(message);
        TellInternal(message, sender);
    }

    internal abstract void TellInternal(object message, IActorRef sender);

    internal abstract void SendSystemMessage(SystemMessage message);

    internal void Stop() => SendSystemMessage(new Terminate());

    internal void Suspend() => SendSystemMessage(new Suspend());

    internal void Resume(Exception causedByFailure) => SendSystemMessage(new Resume(causedByFailure));

    internal void Restart(Exception cause) => SendSystemMessage(new Recreate(cause));

    /// <summary>The runtime's own ref behind any ref, the wrapped one of a test probe too.</summary>
    internal static InternalActorRef Of(IActorRef actorRef) => actorRef switch
    {
        InternalActorRef own => own,
        IWrappedActorRef wrapper => Of(wrapper.Wrapped),
        null => throw new ArgumentNullException(nameof(actorRef)),
        _ => throw new ArgumentException($"Not a ref of this runtime: {actorRef.GetType()}", nameof(actorRef)),
    };

    public bool Equals(IActorRef other) =>
        ReferenceEquals(this, other) || (other is not null && Path.Uid == other.Path.Uid && Path.Equals(other.Path));

    public int CompareTo(IActorRef other)
    {
        if (other is null) return 1;
        int byPath = Path.CompareTo(other.Path);
        return byPath != 0 ? byPath : Path.Uid.CompareTo(other.Path.Uid);
    }

    public int CompareTo(object obj) => obj is null or IActorRef
        ? CompareTo((IActorRef)obj)
        : throw new ArgumentException("Refs compare only with refs.", nameof(obj));

    public sealed override bool Equals(object obj) => obj is IActorRef other && Equals(other);

    public sealed override int GetHashCode() => HashCode.Combine(Path.Uid, Path);

    public override string ToString() => Path.Uid == 0 ? $"[{Path}]" : $"[{Path}#{Path.Uid}]";
}

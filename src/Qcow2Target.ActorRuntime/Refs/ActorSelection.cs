namespace Qcow2Target.ActorRuntime;

/// <summary>A path looked up anew with each message. Plain paths only: no wildcards.</summary>
public class ActorSelection : ICanTell
{
    private readonly string _path;

    internal ActorSelection(InternalActorRef anchor, string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (path.AsSpan().ContainsAny('*', '?')) throw new ArgumentException($"Selections with wildcards are not supported: {path}", nameof(path));
        Anchor = anchor;
        _path = path;
    }

    internal InternalActorRef Anchor { get; }

    public void Tell(object message, IActorRef sender)
    {
        ArgumentNullException.ThrowIfNull(message);
        (Find() ?? (IActorRef)Anchor.System.DeadLetters).Tell(message, sender);
    }

    public Task<IActorRef> ResolveOne(TimeSpan timeout) => ResolveOne(timeout, default);

    /// <exception cref="ActorNotFoundException">Nobody lives there, or did not answer in time.</exception>
    public async Task<IActorRef> ResolveOne(TimeSpan timeout, CancellationToken ct)
    {
        InternalActorRef actor = Find() ?? throw new ActorNotFoundException($"No actor at {_path}");
        try
        {
            ActorIdentity identity = await actor.Ask<ActorIdentity>(new Identify(null), timeout, ct).ConfigureAwait(false);
            return identity.Subject ?? throw new ActorNotFoundException($"No actor at {_path}");
        }
        catch (AskTimeoutException e)
        {
            throw new ActorNotFoundException($"No answer from {_path}", e);
        }
    }

    public override string ToString() => $"ActorSelection[{_path}] from {Anchor.Path}";

    private InternalActorRef Find()
    {
        string path = _path, root = Anchor.Path.Address.ToString();
        if (path.StartsWith(root + "/", StringComparison.Ordinal)) path = path[root.Length..];
        InternalActorRef at = path.StartsWith('/') ? Anchor.System.Root : Anchor;
        foreach (string name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            at = (name, at) switch
            {
                ("..", LocalActorRef actor) => actor.Cell.Parent,
                ("..", _) => at,
                (_, RootRef root1) => root1.System.Guardian(name),
                (_, LocalActorRef actor) => actor.Cell.Children.Find(name),
                _ => null,
            };
            if (at is null) return null;
        }

        return at;
    }
}

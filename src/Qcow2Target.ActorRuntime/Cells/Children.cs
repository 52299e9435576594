namespace Qcow2Target.ActorRuntime;

/// <summary>
/// The children of an actor by name. Under a lock, because guardians take children from any thread and a child leaves on its own thread:
/// its name is free the moment it has stopped, before anyone hears of it.
/// </summary>
internal sealed class Children
{
    private const string NameDigits = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+~";

    private readonly Lock _lock = new();
    private readonly Dictionary<string, ChildStats> _byName = [];
    private readonly HashSet<InternalActorRef> _dying = [];
    private long _generated;
    private bool _closed;

    public int Count
    {
        get
        {
            lock (_lock) return _byName.Count;
        }
    }

    /// <summary>Children that their parent has stopped and that have not ended yet.</summary>
    public bool AnyDying
    {
        get
        {
            lock (_lock) return _dying.Count > 0;
        }
    }

    public LocalActorRef Add(ActorCell parent, Props props, string name)
    {
        if (name is not null && !ActorPath.IsValidPathElement(name))
            throw new InvalidActorNameException($"Illegal actor name [{name}]: letters, digits and -_.*$+:@&=,!~';()\" or %hh, not empty, no leading $.");
        LocalActorRef child;
        lock (_lock)
        {
            if (_closed) throw new InvalidOperationException("Cannot create child while terminating or terminated.");
            name ??= GenerateName();
            if (_byName.ContainsKey(name)) throw new InvalidActorNameException($"Actor name \"{name}\" is not unique!");
            child = new ActorCell(parent.System, props, parent.Self, name).Self;
            _byName.Add(name, new ChildStats(child));
        }

        child.Start();
        return child;
    }

    /// <summary>No child comes any more.</summary>
    public void Close()
    {
        lock (_lock) _closed = true;
    }

    public ChildStats Find(InternalActorRef child)
    {
        lock (_lock) return _byName.TryGetValue(child.Path.Name, out ChildStats stats) && stats.Child.Equals(child) ? stats : null;
    }

    public InternalActorRef Find(string name)
    {
        lock (_lock) return _byName.TryGetValue(name, out ChildStats stats) ? stats.Child : null;
    }

    public ChildStats[] Snapshot()
    {
        lock (_lock) return [.. _byName.Values];
    }

    public void MarkDying(InternalActorRef child)
    {
        lock (_lock)
        {
            if (_byName.TryGetValue(child.Path.Name, out ChildStats stats) && stats.Child.Equals(child)) _dying.Add(stats.Child);
        }
    }

    /// <summary>The child has stopped.</summary>
    public void Remove(InternalActorRef child)
    {
        lock (_lock)
        {
            _byName.Remove(child.Path.Name);
            _dying.Remove(child);
        }
    }

    private string GenerateName()
    {
        string name = "$";
        long rest = _generated++;
        do
        {
            name += NameDigits[(int)(rest & 63)];
            rest >>= 6;
        }
        while (rest > 0);
        return name;
    }
}

namespace Qcow2Target.ActorRuntime;

/// <summary>Where actors run and how many messages each handles in a turn.</summary>
public abstract class MessageDispatcher
{
    private protected MessageDispatcher(string id, int throughput)
    {
        Id = id;
        Throughput = throughput;
    }

    public string Id { get; }

    public int Throughput { get; }

    /// <summary>The executor for one more actor; given back with <see cref="Detach"/>.</summary>
    internal abstract IMailboxExecutor Attach(string actorName);

    internal abstract void Detach(IMailboxExecutor executor);

    internal abstract void Shutdown();
}

namespace Qcow2Target.ActorRuntime;

/// <summary>All actors share one executor.</summary>
internal sealed class SharedDispatcher : MessageDispatcher
{
    private readonly IMailboxExecutor _executor;

    public SharedDispatcher(string id, int throughput, IMailboxExecutor executor)
        : base(id, throughput) => _executor = executor;

    internal override IMailboxExecutor Attach(string actorName) => _executor;

    internal override void Detach(IMailboxExecutor executor)
    {
    }

    internal override void Shutdown() => _executor.Shutdown();
}

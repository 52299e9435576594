namespace Qcow2Target.ActorRuntime;

/// <summary>A thread for each actor, which ends with it.</summary>
internal sealed class PinnedDispatcher : MessageDispatcher
{
    public PinnedDispatcher(string id, int throughput)
        : base(id, throughput)
    {
    }

    internal override IMailboxExecutor Attach(string actorName) => new DedicatedThreadsExecutor($"{Id}-{actorName}", 1);

    internal override void Detach(IMailboxExecutor executor) => executor.Shutdown();

    internal override void Shutdown()
    {
    }
}

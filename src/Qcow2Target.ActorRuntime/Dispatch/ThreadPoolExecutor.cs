namespace Qcow2Target.ActorRuntime;

/// <summary>Runs mailboxes on the .NET thread pool.</summary>
internal sealed class ThreadPoolExecutor : IMailboxExecutor
{
    // The global queue, also from pool threads: a local one would let two busy actors starve the rest of their thread's work.
    public void Execute(Mailbox mailbox) => ThreadPool.UnsafeQueueUserWorkItem(mailbox, preferLocal: false);

    public void Shutdown()
    {
    }
}

namespace Qcow2Target.ActorRuntime;

/// <summary>Gives mailboxes a thread to run on.</summary>
internal interface IMailboxExecutor
{
    void Execute(Mailbox mailbox);

    /// <summary>No mailbox is left to run.</summary>
    void Shutdown();
}

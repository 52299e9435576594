namespace Qcow2Target.ActorRuntime;

/// <summary>Runs a mailbox inside the tell: for test refs.</summary>
internal sealed class CallingThreadExecutor : IMailboxExecutor
{
    public void Execute(Mailbox mailbox) => mailbox.Execute();

    public void Shutdown()
    {
    }
}

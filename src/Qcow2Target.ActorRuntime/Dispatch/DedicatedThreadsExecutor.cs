using System.Collections.Concurrent;

namespace Qcow2Target.ActorRuntime;

/// <summary>Runs mailboxes on threads of its own, started with the first mailbox.</summary>
internal sealed class DedicatedThreadsExecutor : IMailboxExecutor
{
    private readonly Lock _starting = new();
    private readonly BlockingCollection<Mailbox> _mailboxes = [];
    private readonly string _name;
    private readonly int _threads;
    private bool _started;

    public DedicatedThreadsExecutor(string name, int threads)
    {
        _name = name;
        _threads = threads;
    }

    public void Execute(Mailbox mailbox)
    {
        if (!Volatile.Read(ref _started)) Start();
        try
        {
            _mailboxes.Add(mailbox);
        }
        catch (InvalidOperationException)
        {
            // Shut down: what still comes is a late tell to a closed mailbox, on its way to the dead letters.
            ThreadPool.UnsafeQueueUserWorkItem(mailbox, preferLocal: false);
        }
    }

    public void Shutdown() => _mailboxes.CompleteAdding();

    private void Start()
    {
        lock (_starting)
        {
            if (_started) return;
            for (int i = 0; i < _threads; i++)
                new Thread(Run) { IsBackground = true, Name = $"{_name}_{i + 1}" }.UnsafeStart();
            Volatile.Write(ref _started, true);
        }
    }

    private void Run()
    {
        ExecutionContext clean = ExecutionContext.Capture();
        foreach (Mailbox mailbox in _mailboxes.GetConsumingEnumerable())
        {
            mailbox.Execute();
            if (clean is not null) ExecutionContext.Restore(clean);     // no AsyncLocal leaks from actor to actor
        }
    }
}

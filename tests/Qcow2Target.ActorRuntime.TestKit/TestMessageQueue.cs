using System.Collections.Concurrent;

namespace Qcow2Target.ActorTestKit;

/// <summary>What a test actor has received, for a test that waits blocking or not.</summary>
internal sealed class TestMessageQueue
{
    private readonly ConcurrentQueue<Envelope> _messages = new();
    private readonly SemaphoreSlim _count = new(0);

    public bool HasMessages => !_messages.IsEmpty;

    public void Add(Envelope envelope)
    {
        _messages.Enqueue(envelope);
        _count.Release();
    }

    /// <summary>The next message, or null when none comes in time. Completes at once in the blocking mode.</summary>
    public async ValueTask<Envelope?> TakeAsync(TimeSpan max, WaitMode mode, CancellationToken cancellationToken)
    {
        bool any = mode == WaitMode.Blocking
            ? _count.Wait(max, cancellationToken)
            : await _count.WaitAsync(max, cancellationToken).ConfigureAwait(false);
        return any && _messages.TryDequeue(out Envelope envelope) ? envelope : null;
    }
}

namespace Qcow2Target.Qcow2.Image;

/// <summary>One overlay's hold on a backing image. Disposed once or more often, it counts once.</summary>
internal sealed class BackingLease(BackingLayer layer, Action release) : IDisposable
{
    private Action? _release = release;

    internal BackingLayer Layer { get; } = layer;

    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
}

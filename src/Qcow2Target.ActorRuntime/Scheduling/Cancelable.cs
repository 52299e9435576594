namespace Qcow2Target.ActorRuntime;

/// <summary>A cancellation that scheduled work looks at.</summary>
public class Cancelable : ICancelable, IDisposable
{
    private readonly CancellationTokenSource _source = new();

    internal Cancelable()
    {
    }

    public Cancelable(IScheduler scheduler)
        : this() => ArgumentNullException.ThrowIfNull(scheduler);

    public bool IsCancellationRequested => _source.IsCancellationRequested;

    public CancellationToken Token => _source.Token;

    public void Cancel() => _source.Cancel();

    public void CancelAfter(TimeSpan delay) => _source.CancelAfter(delay);

    public void Dispose()
    {
        _source.Dispose();
        GC.SuppressFinalize(this);
    }
}

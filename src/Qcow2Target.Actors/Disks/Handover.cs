namespace Qcow2Target.Actors.Disks;

/// <summary>
/// Hands something that must be given back from a task to an actor that may be gone when it is ready. Whoever comes second finds what the
/// first left: a value that nobody takes any more is disposed here, at once.
/// </summary>
public sealed class Handover<T> where T : class, IDisposable
{
    private readonly Lock _gate = new();
    private T? _value;
    private bool _abandoned;

    /// <summary>From the task, once.</summary>
    public void Deliver(T value)
    {
        lock (_gate)
        {
            if (!_abandoned)
            {
                _value = value;
                return;
            }
        }
        value.Dispose();
    }

    /// <summary>From the receiver, once, after it was told that the value is there.</summary>
    public T Take()
    {
        lock (_gate)
        {
            var value = _value ?? throw new InvalidOperationException("nothing was delivered, or it was taken already");
            _value = null;
            return value;
        }
    }

    /// <summary>The receiver will not come: what is or will be delivered is disposed.</summary>
    public void Abandon()
    {
        T? value;
        lock (_gate)
        {
            _abandoned = true;
            value = _value;
            _value = null;
        }
        value?.Dispose();
    }
}

namespace Qcow2Target.Actors;

/// <summary>An immutable snapshot that one actor replaces and anyone reads, without a message.</summary>
public sealed class Published<T>(T first) where T : class
{
    private volatile T _value = first;

    public T Value => _value;

    public void Publish(T value) => _value = value;
}

namespace Qcow2Target.ActorRuntime;

/// <summary>Answered by every living actor with an <see cref="ActorIdentity"/> of the same id.</summary>
public sealed class Identify(object messageId) : IAutoReceivedMessage, INotInfluenceReceiveTimeout
{
    public object MessageId { get; } = messageId;

    public override string ToString() => $"<Identify>: {MessageId}";
}

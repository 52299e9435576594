namespace Qcow2Target.ActorRuntime;

/// <summary>Stops the actor when its turn in the mailbox comes: what was sent before is handled first.</summary>
public sealed class PoisonPill : IAutoReceivedMessage, IPossiblyHarmful, IDeadLetterSuppression
{
    private PoisonPill()
    {
    }

    public static PoisonPill Instance { get; } = new();

    public override string ToString() => "<PoisonPill>";
}

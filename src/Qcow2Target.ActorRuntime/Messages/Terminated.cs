namespace Qcow2Target.ActorRuntime;

/// <summary>A watched actor has stopped. Arrives after everything that actor told the watcher; unhandled, it ends the watcher too.</summary>
public sealed class Terminated : IPossiblyHarmful, IDeadLetterSuppression, INoSerializationVerificationNeeded
{
    internal Terminated(IActorRef actorRef, bool existenceConfirmed)
    {
        ActorRef = actorRef;
        ExistenceConfirmed = existenceConfirmed;
    }

    public IActorRef ActorRef { get; }

    /// <summary>False when the actor was dead already as the watch arrived.</summary>
    public bool ExistenceConfirmed { get; }

    /// <summary>Always false: there are no remote nodes here.</summary>
    public bool AddressTerminated => false;

    public override string ToString() => $"<Terminated>: {ActorRef} - ExistenceConfirmed={ExistenceConfirmed}";
}

namespace Qcow2Target.ActorRuntime;

/// <summary>A behaviour that says itself what it does not handle.</summary>
public delegate void UntypedReceive(object message);

namespace Qcow2Target.ActorRuntime;

/// <summary>A behaviour: false means not handled.</summary>
public delegate bool Receive(object message);

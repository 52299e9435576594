namespace Qcow2Target.ActorRuntime;

/// <summary>A property that a logging adapter adds to its messages.</summary>
internal sealed record LogProperty(string Name, object Value, bool Destructure);

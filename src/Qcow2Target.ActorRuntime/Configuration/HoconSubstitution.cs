namespace Qcow2Target.ActorRuntime;

/// <summary><c>${path}</c>, until the whole text is read.</summary>
internal sealed record HoconSubstitution(string Path, int Line);

namespace Qcow2Target.ActorRuntime;

/// <summary>Marks messages that act on the actor itself.</summary>
public interface IPossiblyHarmful
{
}

namespace Qcow2Target.ActorRuntime;

/// <summary>Marks messages that never leave the process.</summary>
public interface INoSerializationVerificationNeeded
{
}

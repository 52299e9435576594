namespace Qcow2Target.ActorRuntime;

/// <summary>Marks messages that do not count as activity for the receive timeout.</summary>
public interface INotInfluenceReceiveTimeout
{
}

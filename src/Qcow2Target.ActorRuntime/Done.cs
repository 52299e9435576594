namespace Qcow2Target.ActorRuntime;

/// <summary>The value of a task that has no other.</summary>
public sealed class Done
{
    public static readonly Done Instance = new();

    private Done()
    {
    }
}

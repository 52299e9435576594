namespace Qcow2Target.ActorRuntime;

internal enum BackoffTrigger
{
    /// <summary>The child has stopped.</summary>
    Stop,

    /// <summary>The child has failed; one that stops takes its supervisor along.</summary>
    Failure,
}

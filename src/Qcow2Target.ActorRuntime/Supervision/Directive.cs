namespace Qcow2Target.ActorRuntime;

/// <summary>What a supervisor does with a failed child.</summary>
public enum Directive
{
    /// <summary>Go on with the same instance.</summary>
    Resume,

    /// <summary>A new instance under the same ref and mailbox.</summary>
    Restart,

    /// <summary>Fail oneself with the child's exception.</summary>
    Escalate,

    Stop,
}

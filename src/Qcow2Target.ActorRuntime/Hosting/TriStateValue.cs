namespace Qcow2Target.ActorRuntime;

/// <summary>Which dead letters are logged.</summary>
public enum TriStateValue
{
    /// <summary>As the configuration says.</summary>
    None,

    /// <summary>The first <see cref="DeadLetterOptions.LogCount"/>.</summary>
    Some,

    All,
}

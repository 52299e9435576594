namespace Qcow2Target.ActorRuntime;

/// <summary>How configuration joins what was added before.</summary>
public enum HoconAddMode
{
    /// <summary>Loses to it.</summary>
    Append,

    /// <summary>Wins over it.</summary>
    Prepend,

    Replace,
}

namespace Qcow2Target.Control.Replies;

/// <summary>The words for <see cref="LunState"/> on the wire: part of the contract, pinned by a test.</summary>
public static class LunStateNames
{
    public static string Of(LunState state) => state switch
    {
        LunState.Ready => "ready",
        LunState.Opening => "opening",
        LunState.Faulted => "faulted",
        LunState.Recovering => "recovering",
        LunState.Degraded => "degraded",
        LunState.WriteProtected => "write-protected",
        LunState.Detaching => "detaching",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, "is no state of a logical unit"),
    };

    /// <summary>The state that <paramref name="name"/> says, or null if this version knows none of that name.</summary>
    public static LunState? Find(string name)
    {
        foreach (LunState state in Enum.GetValues<LunState>())
        {
            if (Of(state) == name)
                return state;
        }

        return null;
    }
}

namespace Qcow2Target.Control.Errors;

/// <summary>
/// Error texts that clients in use compare or search for. Their words never change, and no other error text may contain them:
/// <see cref="ControlError"/> sees to that even where a text quotes a path or a name that was chosen to hold one.
/// </summary>
public static class ReliedUponTexts
{
    public const string TargetDoesNotExist = "target does not exist";
    public const string TargetAlreadyExists = "target already exists";
    public const string LogicalUnitNotFound = "logical unit not found";
    public const string TargetHasActiveIscsiConnection = "target has active iscsi connection";
    public const string TargetHasLogicalUnits = "can't remove target which has logical units attached";
    public const string TargetHasActiveConnections = "can't remove target which has active connections";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        TargetDoesNotExist, TargetAlreadyExists, LogicalUnitNotFound, TargetHasActiveIscsiConnection, TargetHasLogicalUnits,
        TargetHasActiveConnections,
    ];

    /// <summary><paramref name="text"/> with the spaces of every such text inside it made underscores, so that no search finds it.</summary>
    internal static string Defuse(string text)
    {
        foreach (string phrase in All)
            text = text.Replace(phrase, phrase.Replace(' ', '_'), StringComparison.OrdinalIgnoreCase);
        return text;
    }
}

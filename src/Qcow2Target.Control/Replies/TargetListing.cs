namespace Qcow2Target.Control.Replies;

/// <summary>One target as LIST shows it.</summary>
/// <param name="Name">Name as ADDTARGET gave it.</param>
/// <param name="TargetId">Unique, not reused while the daemon runs.</param>
/// <param name="LogicalUnits">In the order of their ids.</param>
/// <param name="ItNexuses">
/// One line for each: <c>&lt;initiator name&gt;,i,0x&lt;ISID, 12 hex digits&gt;,&lt;target name&gt;,t,0x&lt;portal group tag, 4 hex digits&gt;</c>.
/// </param>
/// <param name="Access">Who may use it; null: everybody, or not told. Written with details only.</param>
/// <param name="Unresponsive">Those nexuses whose initiators leave pings unanswered; null or empty: none. Written with details only.</param>
public sealed record TargetListing(
    string Name,
    int TargetId,
    IReadOnlyList<LunListing> LogicalUnits,
    IReadOnlyList<string> ItNexuses,
    AccessListing? Access = null,
    IReadOnlyList<string>? Unresponsive = null)
{
    /// <summary>Whether an initiator is connected: that is, has a nexus.</summary>
    public bool HasConnections => ItNexuses.Count > 0;
}

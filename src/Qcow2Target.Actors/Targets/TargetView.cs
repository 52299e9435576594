using Qcow2Target.Qcow2.Image;

namespace Qcow2Target.Actors.Targets;

/// <summary>What a target looks like from outside now: published by its actor, read by LIST and discovery.</summary>
/// <param name="Id">Unique while the daemon runs.</param>
/// <param name="Name">As ADDTARGET gave it.</param>
/// <param name="LogicalUnits">In order of LUN id.</param>
/// <param name="Nexuses">I_T nexuses with an initiator connected.</param>
/// <param name="Rules">Who may use it, as it is at any time: published by the manager.</param>
public sealed record TargetView(
    int Id, TargetName Name, IReadOnlyList<LogicalUnitView> LogicalUnits, IReadOnlyList<NexusView> Nexuses, Published<AccessRules> Rules)
{
    public AccessRules Access => Rules.Value;

    public bool HasConnections => Nexuses.Count > 0;
}

/// <param name="Lun">LUN id.</param>
/// <param name="Path">Absolute path of the image.</param>
/// <param name="Readiness">Whether it serves.</param>
/// <param name="Reason">Why it does not serve, or null.</param>
/// <param name="CapacityBytes">Size of the disk, or 0 before it was opened.</param>
/// <param name="Access">What it was attached for.</param>
/// <param name="ZeroDetection">What becomes of zeros that initiators write.</param>
/// <param name="Flavour">What kind of disk initiators see.</param>
/// <param name="SerialNumber">Unit serial number; null where it is not known before the image was opened.</param>
/// <param name="File">Which file it is; null before it was opened.</param>
/// <param name="BackingPaths">Absolute paths of the images below, nearest first; empty before it was opened.</param>
public sealed record LogicalUnitView(
    int Lun, string Path, DiskReadiness Readiness, string? Reason, long CapacityBytes, ImageAccess Access, ZeroDetection ZeroDetection,
    DiskFlavour Flavour, string? SerialNumber, StoredFile? File, IReadOnlyList<string> BackingPaths);

/// <summary>Whether a LUN serves.</summary>
public enum DiskReadiness
{
    Ready,

    /// <summary>Its image contradicts itself: it is read and not written.</summary>
    WriteProtected,
    Opening,
    Recovering,
    Detaching,
}

/// <param name="Initiator">InitiatorName of the login.</param>
/// <param name="InitiatorSessionId">ISID, 48 bits.</param>
/// <param name="PortalGroupTag">Target portal group tag.</param>
/// <param name="Peer">Address and port of the initiator.</param>
/// <param name="Since">When the session began.</param>
/// <param name="Responsiveness">Whether it answers pings.</param>
public sealed record NexusView(
    string Initiator, ulong InitiatorSessionId, ushort PortalGroupTag, string Peer, DateTimeOffset Since,
    Responsiveness Responsiveness = Responsiveness.Responsive)
{
    /// <summary>The nexus as LIST names it: initiator port and target port (RFC 7143 clause 4.4.1).</summary>
    public string Identify(TargetName target) => $"{Initiator},i,0x{InitiatorSessionId:x12},{target.Shown},t,0x{PortalGroupTag:x4}";
}

/// <summary>Whether an initiator answers. One that does not is kept all the same while its TCP stack acknowledges: boot ROMs never answer a ping.</summary>
public enum Responsiveness
{
    Responsive,

    /// <summary>It has left pings unanswered.</summary>
    Unresponsive,
}

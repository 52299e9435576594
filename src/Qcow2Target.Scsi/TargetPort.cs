namespace Qcow2Target.Scsi;

/// <summary>The target port through which a nexus came, as VPD page 83h names it.</summary>
/// <param name="TargetName">iSCSI name of the target, UTF-8, at most 223 bytes.</param>
/// <param name="PortalGroupTag">iSCSI portal group tag, 1 to 65535; also the target port group.</param>
/// <param name="RelativePortId">Relative target port identifier, 1 to 65535.</param>
public sealed record TargetPort(string TargetName, ushort PortalGroupTag, ushort RelativePortId);

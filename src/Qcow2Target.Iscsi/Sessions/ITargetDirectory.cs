namespace Qcow2Target.Iscsi.Sessions;

/// <summary>What SendTargets may show, seen from one connection: a snapshot, answered at once, from the connection's thread.</summary>
public interface ITargetDirectory
{
    /// <summary>Targets that this initiator may see, all of them.</summary>
    IReadOnlyList<TargetRecord> All(string initiatorName);

    /// <summary>The one with this name (compared as iSCSI names are), or null.</summary>
    TargetRecord? Find(string initiatorName, string targetName);
}

/// <summary>A target in a SendTargets answer.</summary>
/// <param name="Name">iSCSI name as it is to be shown.</param>
/// <param name="Addresses">Portals as <c>host:port,tag</c>, IPv6 in brackets; a wildcard listener shows the local address of this connection.</param>
public sealed record TargetRecord(string Name, IReadOnlyList<string> Addresses);

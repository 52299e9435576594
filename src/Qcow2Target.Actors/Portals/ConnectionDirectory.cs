using System.Net;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Iscsi.Sessions;

namespace Qcow2Target.Actors.Portals;

/// <summary>What SendTargets shows on one connection: every target that the initiator may use from its address, at the addresses that this initiator can reach.</summary>
internal sealed class ConnectionDirectory(TargetBoard board, IPAddress peer, string? chapUser, IReadOnlyList<string> addresses) : ITargetDirectory
{
    public IReadOnlyList<TargetRecord> All(string initiatorName) => [.. Shown(initiatorName).Select(Record)];

    public TargetRecord? Find(string initiatorName, string targetName)
    {
        var name = new TargetName(targetName);
        return Shown(initiatorName).Where(t => t.Name == name).Select(Record).FirstOrDefault();
    }

    private IEnumerable<TargetView> Shown(string initiatorName) => board.Targets.Where(target => target.Access.IsShownTo(initiatorName, peer, chapUser));

    private TargetRecord Record(TargetView target) => new(target.Name.Shown, addresses);
}

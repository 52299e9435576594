using Qcow2Target.Actors.Targets;
using Qcow2Target.Iscsi.Sessions;

namespace Qcow2Target.Actors.Portals;

/// <summary>What SendTargets shows on one connection: every target, at the addresses that this initiator can reach.</summary>
internal sealed class ConnectionDirectory(TargetBoard board, IReadOnlyList<string> addresses) : ITargetDirectory
{
    public IReadOnlyList<TargetRecord> All(string initiatorName) => [.. board.Targets.Select(Record)];

    public TargetRecord? Find(string initiatorName, string targetName)
    {
        var name = new TargetName(targetName);
        return board.Targets.Where(t => t.Name == name).Select(Record).FirstOrDefault();
    }

    private TargetRecord Record(TargetView target) => new(target.Name.Shown, addresses);
}

using System.Net;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Iscsi.Chap;
using Qcow2Target.Iscsi.Login;

namespace Qcow2Target.Actors.Portals;

/// <summary>What a login from one address has to prove, by the rules of the targets as they are now.</summary>
internal sealed class ConnectionAccess(TargetBoard board, IPAddress peer) : ILoginAccess
{
    public ChapRequirement? FindChap(string initiatorName, SessionType sessionType, string targetName)
    {
        if (sessionType == SessionType.Discovery)
        {
            // Nobody must, but who offers nothing else may prove to be a user of any target that it sees.
            ChapCredentials[] users = [.. board.Targets.Select(target => target.Access).Where(rules => rules.IsShownTo(initiatorName, peer, chapUser: null)).SelectMany(rules => rules.Chap)];
            return users.Length == 0 ? null : new ChapRequirement(users, Mutual: null, IsRequired: false);
        }
        var name = new TargetName(targetName);
        var access = board.Targets.FirstOrDefault(target => target.Name == name)?.Access;
        return access is { Chap.Count: > 0 } ? new ChapRequirement(access.Chap, access.MutualChap is [var ours] ? ours : null, IsRequired: true) : null;
    }
}

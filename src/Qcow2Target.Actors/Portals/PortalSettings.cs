using Qcow2Target.Actors.Peers;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Iscsi.Chap;

namespace Qcow2Target.Actors.Portals;

/// <summary>What portals and logins are told by the configuration.</summary>
/// <param name="Portals">Where to listen.</param>
/// <param name="PortalGroupTag">Tag of the one portal group.</param>
/// <param name="LoginTimeout">A login that takes longer is ended.</param>
/// <param name="UserTimeout">TCP_USER_TIMEOUT: a peer whose TCP stack acknowledges nothing for so long is dead.</param>
/// <param name="Manager">The target manager.</param>
/// <param name="Board">What discovery lists, and what logins have to prove.</param>
/// <param name="Peers">The log of who is refused.</param>
/// <param name="ChapFloor">The weakest CHAP algorithm that is taken.</param>
public sealed record PortalSettings(
    IReadOnlyList<PortalOptions> Portals, ushort PortalGroupTag, TimeSpan LoginTimeout, TimeSpan UserTimeout, IActorRef Manager, TargetBoard Board,
    PeerLog Peers, ChapAlgorithm ChapFloor = ChapAlgorithm.Md5);

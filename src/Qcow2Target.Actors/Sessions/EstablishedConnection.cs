using System.Net.Sockets;
using Qcow2Target.Iscsi.Login;
using Qcow2Target.Iscsi.Sessions;

namespace Qcow2Target.Actors.Sessions;

/// <summary>A connection that has come through its login. One owner at a time: who gets it passes it on or disposes it.</summary>
/// <param name="Socket">Connected; the final Login Response has been sent.</param>
/// <param name="Parameters">What the login agreed upon.</param>
/// <param name="Unread">Bytes that came behind the login and were not looked at.</param>
/// <param name="Peer">Address and port of the initiator.</param>
/// <param name="Directory">What SendTargets may show on this connection.</param>
public sealed record EstablishedConnection(Socket Socket, SessionParameters Parameters, ReadOnlyMemory<byte> Unread, string Peer, ITargetDirectory Directory)
    : IDisposable
{
    public void Dispose() => Socket.Dispose();
}

using System.Net;
using System.Net.Sockets;
using Qcow2Target.Actors.Peers;
using Qcow2Target.Actors.Portals;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Iscsi.Login;
using Qcow2Target.Testing;

namespace Qcow2Target.Actors.Tests.Portals;

public sealed class PortalsActorTests : TestKit
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task A_portal_that_fails_listens_again_on_its_port()
    {
        var (portals, endPoint) = Open();
        var portal = await Sys.ActorSelection(portals.Path + "/p-1").ResolveOne(Limit);
        Watch(portal);
        portal.Tell(new ConnectionArrived(null!));
        ExpectTerminated(portal, Limit);
        await Eventually.That(() => Listens(endPoint));
        await using var initiator = await ScriptedInitiator.ConnectAsync(endPoint);
        var outcome = await initiator.LogInAsync(new ScriptedInitiatorLogin());
        Assert.Equal(LoginStatus.Success, outcome.LoginStatus);
    }

    [Fact]
    public void Portals_that_were_closed_stay_closed()
    {
        var (portals, endPoint) = Open();
        portals.Tell(new ClosePortals(), TestActor);
        ExpectMsg<PortalsClosed>(Limit);
        Assert.False(Listens(endPoint));
    }

    private (IActorRef Portals, IPEndPoint EndPoint) Open()
    {
        var settings = new PortalSettings(
            [new PortalOptions(new IPEndPoint(IPAddress.Loopback, 0), PortalOrigin.Configured)], 1, Limit, Limit, TestActor, new TargetBoard(),
            new PeerLog(Log, TimeProvider.System));
        var portals = Sys.ActorOf(PortalsActor.PropsFor(settings));
        portals.Tell(new OpenPortals(), TestActor);
        return (portals, Assert.Single(ExpectMsg<PortalsOpened>(Limit).EndPoints));
    }

    private static bool Listens(IPEndPoint endPoint)
    {
        using var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect(endPoint);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

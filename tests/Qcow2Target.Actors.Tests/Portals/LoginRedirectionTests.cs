using System.Net;
using Qcow2Target.Actors.Peers;
using Qcow2Target.Actors.Portals;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Iscsi.Login;
using Qcow2Target.Testing;

namespace Qcow2Target.Actors.Tests.Portals;

/// <summary>A portal on a real socket, with the target played by the test.</summary>
public sealed class LoginRedirectionTests : TestKit
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task A_target_that_is_elsewhere_sends_the_initiator_there()
    {
        TestProbe manager = CreateTestProbe("manager"), target = CreateTestProbe("target");
        var settings = new PortalSettings(
            [new PortalOptions(new IPEndPoint(IPAddress.Loopback, 0), PortalOrigin.Configured)], 1, Limit, Limit, manager.Ref, new TargetBoard(),
            new PeerLog(Log, TimeProvider.System));
        Sys.ActorOf(PortalsActor.PropsFor(settings)).Tell(new OpenPortals(), TestActor);
        var portal = Assert.Single(ExpectMsg<PortalsOpened>(Limit).EndPoints);
        await using var initiator = await ScriptedInitiator.ConnectAsync(portal);
        var login = initiator.LogInAsync(new ScriptedInitiatorLogin { TargetName = "iqn.2018-05.test:elsewhere" });
        manager.ExpectMsg<FindTarget>(Limit);
        manager.Reply(new TargetFound(target.Ref));
        target.ExpectMsg<AdmitLogin>(Limit);
        target.Reply(new LoginRedirected(new PortalAddress(IPEndPoint.Parse("192.0.2.7:3260")), RedirectDuration.Temporary));
        var outcome = await login;
        Assert.Equal(LoginStatus.TargetMovedTemporarily, outcome.LoginStatus);
        Assert.Equal([KeyValuePair.Create("TargetAddress", "192.0.2.7:3260")], outcome.Answers);
        Assert.Null(await initiator.Connection.TryReceiveAsync());
    }
}

using System.Net;
using Qcow2Target.Actors.Disks;
using Qcow2Target.Actors.Peers;
using Qcow2Target.Actors.Sessions;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Iscsi.Buffers;

namespace Qcow2Target.Actors.Tests.Targets;

/// <summary>A login that comes while its target ends, with the manager played by nobody: the target stays in that state.</summary>
public sealed class LoginsAtTheEndTests : TestKit
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);
    private static readonly TargetName Name = new("iqn.2018-05.test:ending");
    private static readonly LoginIdentity Login = new("iqn.2018-05.test:i", 0x0002_3d00_0001, 0, 1, new IPEndPoint(IPAddress.Loopback, 40000));

    private readonly IActorRef _target;

    public LoginsAtTheEndTests()
    {
        var access = new Published<AccessRules>(AccessRules.Everybody);
        var services = new TargetServices(new BlockingThreads(), CreateTestProbe("images").Ref, new BufferPool(), _ => { }, new TargetBoard(), new PeerLog(Log, TimeProvider.System));
        var view = new Published<TargetView>(new TargetView(1, Name, [], [], access));
        _target = Sys.ActorOf(TargetActor.PropsFor(1, Name, Guid.NewGuid(), new TargetSettings(), services, access, new UnfinishedSanitizes(), view));
        _target.Tell(new AdmitLogin(Login), TestActor);
        ExpectMsg<LoginAdmitted>(Limit);
    }

    [Fact]
    public void A_target_that_is_deleted_is_removed_for_good()
    {
        _target.Tell(new DeleteTarget(Name, ConnectedInitiators.EndSessions), TestActor);
        Assert.Equal((2, 4), Ask());
    }

    [Fact]
    public void A_target_that_is_shut_down_is_unavailable_for_now()
    {
        _target.Tell(new CloseTarget(), TestActor);
        ExpectMsg<TargetClosed>(Limit);
        Assert.Equal((3, 1), Ask());
    }

    private (byte, byte) Ask()
    {
        _target.Tell(new AdmitLogin(Login), TestActor);
        var refused = ExpectMsg<LoginRefused>(Limit);
        return (refused.StatusClass, refused.StatusDetail);
    }
}

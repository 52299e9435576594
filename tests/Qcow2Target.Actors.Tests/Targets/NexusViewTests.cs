using Qcow2Target.Actors.Targets;

namespace Qcow2Target.Actors.Tests.Targets;

public sealed class NexusViewTests
{
    [Fact]
    public void A_nexus_is_named_by_both_ports_with_all_digits()
    {
        var nexus = new NexusView("iqn.1993-08.org.debian:01:x", 0x23d000001, 1, "127.0.0.1:4711", DateTimeOffset.UnixEpoch);
        Assert.Equal("iqn.1993-08.org.debian:01:x,i,0x00023d000001,iqn.2018-05.test:T,t,0x0001", nexus.Identify(new TargetName("iqn.2018-05.test:T")));
    }
}

using System.Net;
using Qcow2Target.Actors.Sessions;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Actors.Tests.Targets;

public sealed class NexusTableTests
{
    private static readonly LoginIdentity Port = new("iqn.2018-05.test:i", 0x0002_3d00_0001, 0, 1, new IPEndPoint(IPAddress.Loopback, 40000));

    private readonly NexusTable _table = new();

    [Fact]
    public void A_first_login_is_fresh() => Assert.IsType<Admission.Fresh>(_table.Judge(Port));

    [Fact]
    public void The_same_port_again_reinstates_its_session()
    {
        _table.Add(5, Port, null!, null!);
        Assert.Equal(5, Assert.IsType<Admission.Reinstates>(_table.Judge(Port with { Initiator = "IQN.2018-05.TEST:I" })).Old.Tsih);
    }

    [Fact]
    public void Another_isid_or_name_is_another_nexus()
    {
        _table.Add(5, Port, null!, null!);
        Assert.IsType<Admission.Fresh>(_table.Judge(Port with { InitiatorSessionId = 1 }));
        Assert.IsType<Admission.Fresh>(_table.Judge(Port with { Initiator = "iqn.2018-05.test:j" }));
    }

    [Fact]
    public void An_unknown_tsih_is_refused_with_020a()
    {
        _table.Add(5, Port, null!, null!);
        var turned = Assert.IsType<Admission.Turned>(_table.Judge(Port with { Tsih = 6 }));
        Assert.Equal((2, 0x0A), (turned.StatusClass, turned.StatusDetail));
    }

    [Fact]
    public void A_tsih_of_another_initiator_is_refused_with_020a()
    {
        _table.Add(5, Port, null!, null!);
        Assert.IsType<Admission.Turned>(_table.Judge(Port with { Tsih = 5, Initiator = "iqn.2018-05.test:j" }));
    }

    [Fact]
    public void A_second_connection_is_refused_with_0206_and_the_same_one_reinstates()
    {
        _table.Add(5, Port, null!, null!);
        var turned = Assert.IsType<Admission.Turned>(_table.Judge(Port with { Tsih = 5, ConnectionId = 2 }));
        Assert.Equal((2, 6), (turned.StatusClass, turned.StatusDetail));
        Assert.IsType<Admission.Reinstates>(_table.Judge(Port with { Tsih = 5 }));
    }

    [Fact]
    public void A_handle_is_never_zero_and_never_one_in_use()
    {
        var seen = new HashSet<ushort>();
        _table.Add(1, Port, null!, null!);
        for (var i = 0; i < 70_000; i++)
        {
            var tsih = _table.NextTsih();
            Assert.NotEqual(0, tsih);
            Assert.NotEqual(1, tsih);
            seen.Add(tsih);
        }
        Assert.Equal(65_534, seen.Count);
    }

    [Fact]
    public void What_waits_for_a_session_is_taken_once_for_one_or_for_all()
    {
        _table.Await(5, "a");
        _table.Await(6, "b");
        Assert.Equal("a", _table.TakeWaiter(5));
        _table.Await(7, "c");
        Assert.Equal(["b", "c"], _table.TakeWaiters().Order());
        Assert.Null(_table.TakeWaiter(6));
        Assert.Empty(_table.TakeWaiters());
    }

    [Fact]
    public void A_port_that_comes_back_is_told_that_it_was_lost()
    {
        Assert.Equal(UnitAttention.PowerOn, _table.FirstAttention(Port));
        Assert.Equal(UnitAttention.NexusLoss, _table.FirstAttention(Port));
    }

    [Fact]
    public void After_a_reset_that_starts_the_target_anew_every_port_is_told_of_it_once()
    {
        _table.FirstAttention(Port);
        _table.StartAnew();
        Assert.Equal(UnitAttention.PowerOnOccurred, _table.FirstAttention(Port));
        Assert.Equal(UnitAttention.NexusLoss, _table.FirstAttention(Port));
        Assert.Equal(UnitAttention.PowerOnOccurred, _table.FirstAttention(Port with { InitiatorSessionId = 1 }));
    }

    [Fact]
    public void Of_the_logins_that_wait_for_one_session_to_end_the_last_one_counts()
    {
        Assert.Null(_table.Await(5, "first"));
        Assert.Equal("first", _table.Await(5, "second"));
        Assert.Equal("second", _table.TakeWaiter(5));
        Assert.Null(_table.TakeWaiter(5));
    }

    [Fact]
    public void Logins_that_were_let_in_count_as_sessions_of_the_target()
    {
        for (ushort i = 1; i < ActorLimits.SessionsOfTarget; i++)
            _table.Add(i, Port with { InitiatorSessionId = i }, null!, null!);
        _table.Admit(ActorRefs.Nobody, Port with { InitiatorSessionId = 998 }, _table.NextTsih());
        Assert.IsType<Admission.Turned>(_table.Judge(Port with { InitiatorSessionId = 999 }));
        _table.ForgetAdmission(ActorRefs.Nobody);
        Assert.IsType<Admission.Fresh>(_table.Judge(Port with { InitiatorSessionId = 999 }));
        Assert.IsType<Admission.Reinstates>(_table.Judge(Port with { InitiatorSessionId = 1 }));
    }

    [Fact]
    public void Sessions_of_one_target_are_limited()
    {
        for (ushort i = 1; i <= ActorLimits.SessionsOfTarget; i++)
            _table.Add(i, Port with { InitiatorSessionId = i }, null!, null!);
        var turned = Assert.IsType<Admission.Turned>(_table.Judge(Port with { InitiatorSessionId = 999 }));
        Assert.Equal((3, 2), (turned.StatusClass, turned.StatusDetail));
    }
}

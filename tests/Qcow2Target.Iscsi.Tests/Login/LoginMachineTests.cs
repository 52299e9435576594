using Qcow2Target.Iscsi.Login;
using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Testing;

namespace Qcow2Target.Iscsi.Tests.Login;

public sealed class LoginMachineTests
{
    private readonly LoginScript _login = new();

    [Fact]
    public void One_request_leads_to_full_feature()
    {
        _login.Operational("MaxRecvDataSegmentLength=65536\0");
        var response = _login.Response;
        Assert.True(response is { IsTransit: true, IsContinued: false, CurrentStage: LoginStage.LoginOperationalNegotiation, NextStage: LoginStage.FullFeature });
        Assert.Equal((77u, 40u, 500u, 627u, 0x8012_3456_789Aul), (response.InitiatorTaskTag, response.StatSn, response.ExpCmdSn, response.MaxCmdSn, response.Isid));
        Assert.Equal((0x1234, LoginStatus.Success), (response.Tsih, response.LoginStatus));
        Assert.Equal("1", _login["TargetPortalGroupTag"]);
        Assert.Equal("262144", _login["MaxRecvDataSegmentLength"]);
        var asked = _login.Asked!;
        Assert.Equal(("iqn.test:initiator", "iqn.2018-05.com.networkoptix:disk", (ushort)0, (ushort)3), (asked.InitiatorName, asked.TargetName, asked.Tsih, asked.ConnectionId));
        var agreed = _login.Parameters;
        Assert.Equal((65536, 262144, 500u, 41u), (agreed.PeerMaxRecvDataSegmentLength, agreed.MaxRecvDataSegmentLength, agreed.ExpCmdSn, agreed.StatSn));
    }

    [Fact]
    public void Open_iscsi_goes_through_both_stages()
    {
        _login.Send(LoginScript.Request(LoginScript.Normal + "InitiatorAlias=board\0AuthMethod=None\0", 0, 1));
        Assert.True(_login.Response is { IsTransit: true, NextStage: LoginStage.LoginOperationalNegotiation, Tsih: 0, StatSn: 40 });
        Assert.Equal("AuthMethod=None\0TargetPortalGroupTag=1\0", _login.Answer);
        _login.Send(LoginScript.Request("HeaderDigest=None\0MaxBurstLength=16776192\0", 1, 3));
        Assert.Equal("HeaderDigest=None\0MaxBurstLength=1048576\0MaxRecvDataSegmentLength=262144\0", _login.Answer);
        Assert.Equal("board", _login.Parameters.InitiatorAlias);
        Assert.Equal(42u, _login.Parameters.StatSn);
    }

    [Fact]
    public void Discovery_may_jump_from_security_to_full_feature()
    {
        _login.Send(LoginScript.Request(LoginScript.Discovery + "AuthMethod=None\0", 0, 3));
        Assert.Equal("AuthMethod=None\0", _login.Answer);
        Assert.Equal((SessionType.Discovery, 8192, ""), (_login.Parameters.SessionType, _login.Parameters.MaxRecvDataSegmentLength, _login.Asked!.TargetName));
    }

    [Fact]
    public void Without_t_the_stage_stays_and_keys_are_answered()
    {
        _login.Send(LoginScript.Request(LoginScript.Normal + "InitialR2T=Yes\0", 1, 0, transit: false));
        Assert.True(_login.Response is { IsTransit: false, CurrentStage: LoginStage.LoginOperationalNegotiation });
        Assert.Equal("Yes", _login["InitialR2T"]);
        _login.Send(LoginScript.Request("", 1, 3));
        Assert.Equal("", _login.Answer);
        Assert.True(_login.Parameters.InitialR2T);
    }

    [Fact]
    public void Text_over_several_requests_is_put_together_mid_string()
    {
        var text = LoginScript.Normal + "InitialR2T=Yes\0";
        for (var cut = 1; cut < text.Length; cut++)
        {
            var login = new LoginScript();
            login.Send(LoginScript.Request(text[..cut], 1, 0, transit: false, continued: true));
            Assert.True(login.Response is { IsTransit: false, LoginStatus: LoginStatus.Success });
            Assert.Equal("", login.Answer);
            login.Send(LoginScript.Request(text[cut..], 1, 3));
            Assert.Equal("Yes", login["InitialR2T"]);
            Assert.IsType<LoginStep.Established>(login.Step);
        }
    }

    [Fact]
    public void An_answer_longer_than_a_login_pdu_is_given_in_pieces()
    {
        var names = Enumerable.Range(0, 200).Select(i => $"X-com.example.a-rather-long-key-{i}");
        var keys = string.Concat(names.Select(name => name + "=1\0"));
        _login.Send(LoginScript.Request(LoginScript.Normal + keys[..7000], 1, 0, transit: false, continued: true));
        _login.Send(LoginScript.Request(keys[7000..], 1, 3));
        Assert.True(_login.Response is { IsContinued: true, IsTransit: false });
        var answer = _login.Answer;
        Assert.Equal(8192, answer.Length);
        _login.Send(LoginScript.Request("", 1, 3));
        Assert.True(_login.Response is { IsContinued: false, IsTransit: true });
        answer += _login.Answer;
        Assert.Equal(200, answer.Split('\0').Count(pair => pair.EndsWith("=NotUnderstood", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("HeaderDigest=None\0", false)]
    [InlineData("", true)]
    public void Text_while_our_answer_goes_on_is_refused(string text, bool continued)
    {
        SendLongKeys();
        _login.Send(LoginScript.Request(text, 1, 3, transit: !continued, continued: continued));
        _login.AssertRefused(LoginStatus.InitiatorError);
        Assert.False(_login.Response.IsContinued);
    }

    [Fact]
    public void A_refusal_does_not_promise_a_rest_that_nobody_can_ask_for()
    {
        SendLongKeys("HeaderDigest=None\0HeaderDigest=None\0");
        _login.AssertRefused(LoginStatus.InitiatorError);
        Assert.False(_login.Response.IsContinued);
    }

    [Fact]
    public void Bytes_behind_the_last_request_are_left_for_the_session()
    {
        var request = LoginScript.Request(LoginScript.Normal, 1, 3);
        var step = _login.Machine.Receive([.. request, 1, 2, 3], out var consumed);
        Assert.IsType<LoginStep.NeedAdmission>(step);
        Assert.Equal(request.Length, consumed);
    }

    [Fact]
    public void Input_may_be_cut_anywhere()
    {
        var request = LoginScript.Request(LoginScript.Normal, 1, 3);
        foreach (var pieces in SplitPoints.Of(request))
        {
            var machine = new LoginMachine(new LoginOffers());
            byte[] held = [];
            LoginStep? step = null;
            foreach (var piece in pieces)
            {
                held = [.. held, .. piece.Span];
                step = machine.Receive(held, out var consumed);
                if (held.Length < request.Length) Assert.Equal((0, true), (consumed, step is LoginStep.NeedInput));
            }

            Assert.IsType<LoginStep.NeedAdmission>(step);
        }
    }

    [Theory]
    [InlineData(LoginStatus.NotFound)]
    [InlineData(LoginStatus.SessionDoesNotExist)]
    [InlineData(LoginStatus.TooManyConnections)]
    [InlineData(LoginStatus.OutOfResources)]
    public void A_refused_admission_is_told_with_its_status(LoginStatus status)
    {
        _login.Decision = new AdmissionDecision.Refused(status, "because");
        _login.Operational("");
        _login.AssertRefused(status);
        Assert.Throws<ObjectDisposedException>(() => _login.Machine.Receive([], out _));
    }

    [Fact]
    public void An_unknown_tsih_is_echoed_and_the_owner_decides()
    {
        _login.Decision = new AdmissionDecision.Refused(LoginStatus.SessionDoesNotExist, "no session 9");
        _login.Send(LoginScript.Request(LoginScript.Normal, 1, 3, change: pdu => pdu with { Tsih = 9 }));
        Assert.Equal((ushort)9, _login.Asked!.Tsih);
        _login.AssertRefused(LoginStatus.SessionDoesNotExist);
        Assert.Equal((ushort)9, _login.Response.Tsih);
    }

    [Fact]
    public void A_reinstated_connection_keeps_what_its_session_agreed()
    {
        var first = new LoginScript();
        first.Operational("InitialR2T=No\0MaxBurstLength=65536\0FirstBurstLength=4096\0MaxOutstandingR2T=3\0");
        _login.Decision = new AdmissionDecision.Accepted(0x1234, first.Parameters);
        _login.Send(LoginScript.Request(LoginScript.Normal + "InitialR2T=Yes\0MaxRecvDataSegmentLength=4096\0HeaderDigest=CRC32C\0", 1, 3, change: pdu => pdu with { Tsih = 0x1234 }));
        Assert.Equal("Irrelevant", _login["InitialR2T"]);
        var agreed = _login.Parameters;
        Assert.Equal((false, 65536, 4096, 3), (agreed.InitialR2T, agreed.MaxBurstLength, agreed.FirstBurstLength, agreed.MaxOutstandingR2T));
        Assert.Equal((4096, DigestMethod.Crc32C), (agreed.PeerMaxRecvDataSegmentLength, agreed.HeaderDigest));
    }

    [Theory]
    [InlineData(1, 3, true, true)]
    [InlineData(1, 1, true, false)]
    [InlineData(1, 0, true, false)]
    [InlineData(0, 2, true, false)]
    [InlineData(0, 0, true, false)]
    [InlineData(2, 3, true, false)]
    [InlineData(3, 3, true, false)]
    [InlineData(3, 0, false, false)]
    public void Stages_that_make_no_sense_are_refused(int csg, int nsg, bool transit, bool continued)
    {
        _login.Send(LoginScript.Request(LoginScript.Normal, csg, nsg, transit, continued));
        _login.AssertRefused(LoginStatus.InitiatorError);
    }

    [Fact]
    public void The_stage_is_the_one_that_was_agreed()
    {
        _login.Send(LoginScript.Request(LoginScript.Normal, 0, 1));
        _login.Send(LoginScript.Request("", 0, 3));
        _login.AssertRefused(LoginStatus.InitiatorError);
    }

    [Fact]
    public void What_identifies_the_login_does_not_change()
    {
        Func<LoginRequestPdu, LoginRequestPdu>[] changes =
        [
            pdu => pdu with { InitiatorTaskTag = 1 },
            pdu => pdu with { Isid = 1 },
            pdu => pdu with { Tsih = 1 },
            pdu => pdu with { ConnectionId = 1 },
        ];
        foreach (var change in changes)
        {
            var login = new LoginScript();
            login.Send(LoginScript.Request(LoginScript.Normal, 0, 1));
            login.Send(LoginScript.Request("", 1, 3, change: change));
            login.AssertRefused(LoginStatus.InitiatorError);
        }
    }

    [Fact]
    public void A_version_that_starts_too_high_is_refused()
    {
        _login.Send(LoginScript.Request(LoginScript.Normal, 1, 3, change: pdu => pdu with { VersionMax = 2, VersionMin = 1 }));
        _login.AssertRefused(LoginStatus.UnsupportedVersion);
        Assert.Equal(0, _login.Response.VersionActive);
    }

    [Fact]
    public void A_newer_initiator_that_knows_our_version_is_welcome()
        => Assert.IsType<LoginStep.Established>(_login.Send(LoginScript.Request(LoginScript.Normal, 1, 3, change: pdu => pdu with { VersionMax = 2 })));

    [Fact]
    public void Another_pdu_than_a_login_request_is_refused()
    {
        var pdu = new byte[48];
        pdu[0] = 0x41;
        _login.Send(pdu);
        _login.AssertRefused(LoginStatus.InvalidDuringLogin);
    }

    [Fact]
    public void Another_protocol_is_hung_up_on_at_its_first_bytes()
    {
        var step = _login.Machine.Receive("GET / HTTP/1.1"u8, out _);
        Assert.True(Assert.IsType<LoginStep.SendAndClose>(step).Bytes.IsEmpty);
    }

    [Fact]
    public void A_login_pdu_that_is_too_long_or_has_an_additional_header_is_refused()
    {
        var request = LoginScript.Request(LoginScript.Normal, 1, 3);
        (request[5], request[6], request[7]) = (0, 0x20, 1);
        _login.Send(request);
        _login.AssertRefused(LoginStatus.InitiatorError);
        request = LoginScript.Request(LoginScript.Normal, 1, 3);
        request[4] = 1;
        var second = new LoginScript();
        second.Send(request);
        second.AssertRefused(LoginStatus.InitiatorError);
    }

    [Fact]
    public void A_login_does_not_go_on_for_ever()
    {
        _login.Send(LoginScript.Request(LoginScript.Normal, 1, 0, transit: false));
        var requests = 1;
        while (_login.Send(LoginScript.Request("", 1, 0, transit: false)) is LoginStep.Send) Assert.True(++requests <= IscsiLimits.MaxLoginRequests);
        _login.AssertRefused(LoginStatus.InitiatorError);
        var second = new LoginScript();
        var bytes = 0;
        while (second.Send(LoginScript.Request(new string('a', 8000), 1, 0, transit: false, continued: true)) is LoginStep.Send)
            Assert.True((bytes += 8000) <= IscsiLimits.MaxLoginTextBytes);
        second.AssertRefused(LoginStatus.InitiatorError);
    }

    // Unknown keys of 50 bytes, 200 of them: the answers are longer than one login PDU.
    private void SendLongKeys(string more = "")
    {
        var keys = string.Concat(Enumerable.Range(0, 200).Select(i => $"X-com.example.a-rather-long-key-{i}=1\0")) + more;
        _login.Send(LoginScript.Request(LoginScript.Normal + keys[..7000], 1, 0, transit: false, continued: true));
        _login.Send(LoginScript.Request(keys[7000..], 1, 3));
    }
}

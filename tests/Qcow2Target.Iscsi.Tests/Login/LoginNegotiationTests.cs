using Qcow2Target.Iscsi.Login;

namespace Qcow2Target.Iscsi.Tests.Login;

public sealed class LoginNegotiationTests
{
    private readonly LoginScript _login = new();

    [Theory]
    [InlineData("HeaderDigest=None", "None")]
    [InlineData("HeaderDigest=CRC32C,None", "CRC32C")]
    [InlineData("HeaderDigest=None,CRC32C", "None")]
    [InlineData("DataDigest=X-foo,CRC32C", "CRC32C")]
    [InlineData("DataDigest=crc32c", "Reject")]
    [InlineData("HeaderDigest=", "Reject")]
    [InlineData("MaxConnections=8", "1")]
    [InlineData("MaxConnections=0", "Reject")]
    [InlineData("MaxConnections=65536", "Reject")]
    [InlineData("InitialR2T=Yes", "Yes")]
    [InlineData("InitialR2T=No", "No")]
    [InlineData("InitialR2T=no", "Reject")]
    [InlineData("ImmediateData=Yes", "Yes")]
    [InlineData("ImmediateData=No", "No")]
    [InlineData("ImmediateData=1", "Reject")]
    [InlineData("MaxBurstLength=16776192", "1048576")]
    [InlineData("MaxBurstLength=65536", "65536")]
    [InlineData("MaxBurstLength=0x10000", "65536")]
    [InlineData("MaxBurstLength=511", "Reject")]
    [InlineData("MaxBurstLength=16777216", "Reject")]
    [InlineData("MaxBurstLength=99999999999999999999", "Reject")]
    [InlineData("MaxBurstLength=-5", "Reject")]
    [InlineData("MaxBurstLength=0x80000000", "Reject")]
    [InlineData("FirstBurstLength=65536", "65536")]
    [InlineData("FirstBurstLength=16777215", "262144")]
    [InlineData("FirstBurstLength=abc", "Reject")]
    [InlineData("MaxRecvDataSegmentLength=511", "Reject")]
    [InlineData("DefaultTime2Wait=5", "5")]
    [InlineData("DefaultTime2Wait=0", "0")]
    [InlineData("DefaultTime2Wait=3601", "Reject")]
    [InlineData("DefaultTime2Retain=60", "0")]
    [InlineData("MaxOutstandingR2T=16", "8")]
    [InlineData("MaxOutstandingR2T=1", "1")]
    [InlineData("MaxOutstandingR2T=0", "Reject")]
    [InlineData("DataPDUInOrder=No", "Yes")]
    [InlineData("DataSequenceInOrder=Yes", "Yes")]
    [InlineData("DataSequenceInOrder=Maybe", "Reject")]
    [InlineData("ErrorRecoveryLevel=2", "0")]
    [InlineData("ErrorRecoveryLevel=3", "Reject")]
    [InlineData("TaskReporting=ResponseFence,RFC3720", "RFC3720")]
    [InlineData("TaskReporting=FastAbort", "Reject")]
    [InlineData("iSCSIProtocolLevel=2", "1")]
    [InlineData("iSCSIProtocolLevel=0", "0")]
    [InlineData("IFMarker=Yes", "No")]
    [InlineData("OFMarker=No", "No")]
    [InlineData("IFMarkInt=2048~8192", "Reject")]
    [InlineData("OFMarkInt=1", "Reject")]
    [InlineData("RDMAExtensions=Yes", "No")]
    [InlineData("InitiatorRecvDataSegmentLength=8192", "NotUnderstood")]
    [InlineData("TargetRecvDataSegmentLength=8192", "NotUnderstood")]
    [InlineData("X-com.example.key=1", "NotUnderstood")]
    [InlineData("X#vendor=1", "NotUnderstood")]
    [InlineData("HEADERDIGEST=None", "NotUnderstood")]
    [InlineData("SendTargets=All", "Reject")]
    [InlineData("TargetPortalGroupTag=NotUnderstood", "1")]
    public void Each_key_is_answered_by_its_rule(string offer, string answer)
    {
        _login.Operational(offer + "\0");
        Assert.IsType<LoginStep.Established>(_login.Step);
        Assert.Contains($"\0{offer[..offer.IndexOf('=', StringComparison.Ordinal)]}={answer}\0", "\0" + _login.Answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("X#NodeArchitecture=x86")]
    [InlineData("TargetAlias=NotUnderstood")]
    [InlineData("InitiatorAlias=a board")]
    public void Some_keys_are_taken_in_silence(string key)
    {
        _login.Operational(key + "\0");
        Assert.Equal("TargetPortalGroupTag=1\0MaxRecvDataSegmentLength=262144\0", _login.Answer);
    }

    [Fact]
    public void Defaults_hold_where_nothing_is_offered()
    {
        _login.Operational("");
        Assert.Equal("TargetPortalGroupTag=1\0MaxRecvDataSegmentLength=262144\0", _login.Answer);
        var agreed = _login.Parameters;
        Assert.True(agreed is { InitialR2T: true, ImmediateData: true, MaxOutstandingR2T: 1, MaxBurstLength: 262144, FirstBurstLength: 65536 });
        Assert.True(agreed is { PeerMaxRecvDataSegmentLength: 8192, HeaderDigest: DigestMethod.None, DataDigest: DigestMethod.None, DefaultTime2Wait: 2, DefaultTime2Retain: 0 });
    }

    [Fact]
    public void What_is_agreed_reaches_the_session()
    {
        _login.Operational("HeaderDigest=CRC32C\0DataDigest=CRC32C\0InitialR2T=No\0ImmediateData=No\0MaxBurstLength=8192\0FirstBurstLength=4096\0MaxOutstandingR2T=4\0MaxRecvDataSegmentLength=1000\0");
        var agreed = _login.Parameters;
        Assert.True(agreed is { HeaderDigest: DigestMethod.Crc32C, DataDigest: DigestMethod.Crc32C, InitialR2T: false, ImmediateData: false });
        Assert.True(agreed is { MaxBurstLength: 8192, FirstBurstLength: 4096, MaxOutstandingR2T: 4, PeerMaxRecvDataSegmentLength: 1000 });
    }

    [Theory]
    [InlineData("FirstBurstLength=65536\0InitialR2T=Yes\0ImmediateData=No\0", "Irrelevant")]
    [InlineData("InitialR2T=Yes\0ImmediateData=No\0FirstBurstLength=65536\0", "Irrelevant")]
    [InlineData("InitialR2T=Yes\0ImmediateData=Yes\0FirstBurstLength=65536\0", "65536")]
    [InlineData("FirstBurstLength=65536\0MaxBurstLength=4096\0", "4096")]
    public void The_first_burst_depends_on_the_other_keys_wherever_they_stand(string keys, string answer)
    {
        _login.Operational(keys);
        Assert.Equal(answer, _login["FirstBurstLength"]);
    }

    [Fact]
    public void A_default_first_burst_is_no_longer_than_the_longest_burst()
    {
        _login.Operational("MaxBurstLength=4096\0");
        Assert.Equal(4096, _login.Parameters.FirstBurstLength);
    }

    [Fact]
    public void Session_keys_are_irrelevant_in_discovery()
    {
        _login.Send(LoginScript.Request(
            LoginScript.Discovery + "MaxConnections=1\0InitialR2T=No\0ImmediateData=Yes\0MaxBurstLength=512\0FirstBurstLength=512\0MaxOutstandingR2T=1\0"
            + "DataPDUInOrder=Yes\0DataSequenceInOrder=Yes\0ErrorRecoveryLevel=0\0HeaderDigest=CRC32C\0MaxRecvDataSegmentLength=32768\0DefaultTime2Wait=2\0",
            1,
            3));
        foreach (var key in new[] { "MaxConnections", "InitialR2T", "ImmediateData", "MaxBurstLength", "FirstBurstLength", "MaxOutstandingR2T", "DataPDUInOrder", "DataSequenceInOrder" })
            Assert.Equal("Irrelevant", _login[key]);
        Assert.Equal(("0", "CRC32C", "2", null), (_login["ErrorRecoveryLevel"], _login["HeaderDigest"], _login["DefaultTime2Wait"], _login["TargetPortalGroupTag"]));
    }

    [Theory]
    [InlineData("TargetName=iqn.a:b\0", LoginStatus.MissingParameter)]
    [InlineData("InitiatorName=iqn.a:b\0", LoginStatus.MissingParameter)]
    [InlineData("", LoginStatus.MissingParameter)]
    [InlineData("InitiatorName=\0TargetName=iqn.a:b\0", LoginStatus.InitiatorError)]
    [InlineData("InitiatorName=iqn.a:b\0TargetName=iqn.a:b\0SessionType=Other\0", LoginStatus.SessionTypeNotSupported)]
    [InlineData("InitiatorName=iqn.a:b\0InitiatorName=iqn.a:b\0TargetName=iqn.a:b\0", LoginStatus.InitiatorError)]
    [InlineData(LoginScript.Normal + "HeaderDigest=None\0HeaderDigest=None\0", LoginStatus.InitiatorError)]
    [InlineData(LoginScript.Normal + "NoEqualsSign\0", LoginStatus.InitiatorError)]
    [InlineData(LoginScript.Normal + "=value\0", LoginStatus.InitiatorError)]
    [InlineData(LoginScript.Normal + "Bad Key=value\0", LoginStatus.InitiatorError)]
    [InlineData(LoginScript.Normal + "HeaderDigest=None", LoginStatus.InitiatorError)]
    [InlineData(LoginScript.Normal + "AuthMethod=None\0", LoginStatus.InitiatorError)]
    public void A_text_that_cannot_be_used_is_refused(string text, LoginStatus status)
    {
        _login.Send(LoginScript.Request(text, 1, 3));
        _login.AssertRefused(status);
    }

    [Theory]
    [InlineData("SessionType=Discovery\0")]
    [InlineData("SessionType=Normal\0")]
    [InlineData("TargetName=iqn.a:c\0")]
    [InlineData("InitiatorName=iqn.a:c\0")]
    public void Who_speaks_to_whom_is_told_in_the_first_request_or_never(string key)
    {
        _login.Send(LoginScript.Request("InitiatorName=iqn.test:initiator\0TargetName=iqn.a:b\0", 0, 1));
        _login.Send(LoginScript.Request(key, 1, 3));
        _login.AssertRefused(LoginStatus.InitiatorError);
    }

    [Fact]
    public void A_discovery_session_names_no_target_later()
    {
        _login.Send(LoginScript.Request(LoginScript.Discovery, 0, 1));
        _login.Send(LoginScript.Request("TargetName=iqn.a:b\0", 1, 3));
        _login.AssertRefused(LoginStatus.InitiatorError);
    }

    [Fact]
    public void A_value_is_no_longer_than_255_bytes()
    {
        _login.Operational($"HeaderDigest=None,{new string('x', 250)}\0DataDigest=None,{new string('x', 251)}\0InitiatorAlias={new string('a', 255)}\0");
        Assert.Equal(("None", "Reject"), (_login["HeaderDigest"], _login["DataDigest"]));
        var second = new LoginScript();
        second.Operational($"InitiatorAlias={new string('a', 256)}\0");
        second.AssertRefused(LoginStatus.InitiatorError);
    }

    [Fact]
    public void A_name_that_is_too_long_is_refused_and_the_longest_is_not()
    {
        _login.Send(LoginScript.Request($"InitiatorName=iqn.{new string('ä', 110)}\0TargetName=iqn.a:b\0", 1, 3));
        _login.AssertRefused(LoginStatus.InitiatorError);
        var longest = new LoginScript();
        longest.Send(LoginScript.Request($"InitiatorName=iqn.{new string('a', 219)}\0TargetName=iqn.a:b\0", 1, 3));
        Assert.IsType<LoginStep.Established>(longest.Step);
    }

    [Fact]
    public void A_key_is_negotiated_once_in_the_whole_login()
    {
        _login.Send(LoginScript.Request(LoginScript.Normal + "HeaderDigest=None\0", 0, 1));
        _login.Send(LoginScript.Request("HeaderDigest=None\0", 1, 3));
        _login.AssertRefused(LoginStatus.InitiatorError);
    }

    [Theory]
    [InlineData("None", "None")]
    [InlineData("CHAP,None", "None")]
    [InlineData("KRB5,None,CHAP", "None")]
    public void No_authentication_is_chosen_where_it_is_offered(string methods, string chosen)
    {
        _login.Send(LoginScript.Request(LoginScript.Normal + $"AuthMethod={methods}\0", 0, 1));
        Assert.Equal(chosen, _login["AuthMethod"]);
        Assert.True(_login.Response.IsTransit);
    }

    [Theory]
    [InlineData("AuthMethod=CHAP\0", "Reject")]
    [InlineData("AuthMethod=\0", "Reject")]
    [InlineData("AuthMethod=KRB5,SRP\0", "Reject")]
    [InlineData("CHAP_A=5\0", null)]
    public void Authentication_that_nobody_does_here_is_refused(string keys, string? answer)
    {
        _login.Send(LoginScript.Request(LoginScript.Normal + keys, 0, 1));
        _login.AssertRefused(LoginStatus.AuthenticationFailure);
        Assert.Equal(answer, _login["AuthMethod"]);
    }

    [Fact]
    public void The_alias_is_told_where_there_is_one()
    {
        var login = new LoginScript(new LoginOffers { TargetAlias = "lab disk", PortalGroupTag = 5 });
        login.Send(LoginScript.Request(LoginScript.Normal, 0, 1));
        Assert.Equal("TargetPortalGroupTag=5\0TargetAlias=lab disk\0", login.Answer);
    }

    [Fact]
    public void The_target_says_in_the_security_stage_only_what_belongs_there()
    {
        // open-iscsi gives up over MaxRecvDataSegmentLength there, unless it has offered it itself.
        _login.Send(LoginScript.Request(LoginScript.Normal + "MaxRecvDataSegmentLength=8192\0", 0, 3));
        Assert.Equal("262144", _login["MaxRecvDataSegmentLength"]);
    }
}

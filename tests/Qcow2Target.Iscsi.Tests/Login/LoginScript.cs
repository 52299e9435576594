using System.Text;
using Qcow2Target.Iscsi.Framing;
using Qcow2Target.Iscsi.Login;
using Qcow2Target.Iscsi.Pdus;

namespace Qcow2Target.Iscsi.Tests.Login;

/// <summary>A hand-driven initiator before a login machine.</summary>
internal sealed class LoginScript(LoginOffers? offers = null)
{
    public const string Normal = "InitiatorName=iqn.test:initiator\0TargetName=iqn.2018-05.com.networkoptix:disk\0SessionType=Normal\0";
    public const string Discovery = "InitiatorName=iqn.test:initiator\0SessionType=Discovery\0";

    public LoginMachine Machine { get; } = new(offers ?? new LoginOffers(), initialStatSn: 40);

    public AdmissionDecision Decision { get; set; } = new AdmissionDecision.Accepted(0x1234);

    public AdmissionRequest? Asked { get; private set; }

    public LoginResponsePdu Response { get; private set; }

    /// <summary>Text of the last response.</summary>
    public string Answer { get; private set; } = "";

    /// <summary>The last step but admissions, which are decided at once.</summary>
    public LoginStep? Step { get; private set; }

    public SessionParameters Parameters => Assert.IsType<LoginStep.Established>(Step).Parameters;

    public string? this[string key]
    {
        get
        {
            Assert.True(TextPairs.TryParse(Encoding.UTF8.GetBytes(Answer), out var pairs, out var problem), problem);
            return pairs.Where(pair => pair.Key == key).Select(pair => pair.Value).SingleOrDefault();
        }
    }

    public static byte[] Request(string text, int csg, int nsg, bool transit = true, bool continued = false, Func<LoginRequestPdu, LoginRequestPdu>? change = null)
    {
        var pdu = new LoginRequestPdu
        {
            IsTransit = transit,
            IsContinued = continued,
            CurrentStage = (LoginStage)csg,
            NextStage = (LoginStage)nsg,
            Isid = 0x8012_3456_789A,
            InitiatorTaskTag = 77,
            ConnectionId = 3,
            CmdSn = 500,
        };
        var data = Encoding.UTF8.GetBytes(text);
        var bytes = new byte[DigestUse.None.PduBytes(data.Length)];
        PduWriter.Write(change?.Invoke(pdu) ?? pdu, data, bytes, DigestUse.None);
        return bytes;
    }

    /// <summary>From the operational stage to full feature in one request.</summary>
    public LoginStep Operational(string keys) => Send(Request(Normal + keys, 1, 3));

    public LoginStep Send(byte[] request)
    {
        Step = Machine.Receive(request, out var consumed);
        Assert.Equal(Step is LoginStep.SendAndClose ? consumed : request.Length, consumed);
        if (Step is LoginStep.NeedAdmission need)
        {
            Asked = need.Request;
            Step = Machine.Admit(Decision);
        }

        var bytes = Step switch
        {
            LoginStep.Send send => send.Bytes,
            LoginStep.Established established => established.Bytes,
            LoginStep.SendAndClose close => close.Bytes,
            _ => default,
        };
        if (bytes.IsEmpty) return Step;
        Response = LoginResponsePdu.Parse(bytes.Span);
        Answer = Encoding.UTF8.GetString(bytes.Span.Slice(48, BasicHeader.DataSegmentLength(bytes.Span)));
        return Step;
    }

    public void AssertRefused(LoginStatus status)
    {
        Assert.Equal(status, Assert.IsType<LoginStep.SendAndClose>(Step).Reason);
        Assert.Equal(status, Response.LoginStatus);
        Assert.False(Response.IsTransit);
    }
}

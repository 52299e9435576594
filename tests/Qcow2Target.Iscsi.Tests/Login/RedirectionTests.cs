using System.Net;
using Qcow2Target.Iscsi.Login;
using Qcow2Target.Iscsi.Pdus;

namespace Qcow2Target.Iscsi.Tests.Login;

/// <summary>Login Responses of Status-Class 1 (RFC 7143 11.13.5).</summary>
public sealed class RedirectionTests
{
    private readonly LoginScript _login = new();

    [Theory]
    [InlineData(RedirectDuration.Temporary, LoginStatus.TargetMovedTemporarily)]
    [InlineData(RedirectDuration.Permanent, LoginStatus.TargetMovedPermanently)]
    public void The_initiator_is_told_the_address_alone_and_the_login_is_over(RedirectDuration duration, LoginStatus status)
    {
        _login.Decision = To("[2001:db8::1]:3261", duration);
        _login.Operational("InitialR2T=Yes\0HeaderDigest=CRC32C\0");
        _login.AssertRefused(status);
        Assert.Equal("TargetAddress=[2001:db8::1]:3261\0", _login.Answer);
        Assert.True(_login.Response is { IsContinued: false, Tsih: 0, CurrentStage: LoginStage.LoginOperationalNegotiation, InitiatorTaskTag: 77 });
        Assert.Throws<ObjectDisposedException>(() => _login.Send(LoginScript.Request("", 1, 3)));
    }

    [Fact]
    public void It_is_told_when_it_wants_to_full_feature_phase_and_not_before()
    {
        _login.Decision = To("192.0.2.7:3260", RedirectDuration.Temporary);
        _login.Send(LoginScript.Request(LoginScript.Normal + "AuthMethod=None\0", 0, 1));
        Assert.Equal(LoginStatus.Success, _login.Response.LoginStatus);
        _login.Send(LoginScript.Request("MaxBurstLength=262144\0", 1, 3));
        _login.AssertRefused(LoginStatus.TargetMovedTemporarily);
        Assert.Equal("TargetAddress=192.0.2.7:3260\0", _login.Answer);
    }

    private static AdmissionDecision.Redirected To(string address, RedirectDuration duration) => new(new PortalAddress(IPEndPoint.Parse(address)), duration);
}

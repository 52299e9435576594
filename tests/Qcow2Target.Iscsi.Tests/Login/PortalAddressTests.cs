using System.Net;
using Qcow2Target.Iscsi.Login;

namespace Qcow2Target.Iscsi.Tests.Login;

public sealed class PortalAddressTests
{
    [Theory]
    [InlineData("192.0.2.7:3260", "192.0.2.7:3260")]
    [InlineData("[2001:db8::1]:3261", "[2001:db8::1]:3261")]
    [InlineData("[fe80::1%2]:3260", "[fe80::1]:3260")]
    [InlineData("[::ffff:192.0.2.7]:65535", "192.0.2.7:65535")]
    public void An_initiator_reads_an_address_that_means_the_same_on_its_host(string endPoint, string shown)
    {
        Assert.Equal(shown, new PortalAddress(IPEndPoint.Parse(endPoint)).ToString());
    }

    [Theory]
    [InlineData("0.0.0.0:3260")]
    [InlineData("[::]:3260")]
    [InlineData("[::ffff:0.0.0.0]:3260")]
    [InlineData("192.0.2.7:0")]
    public void What_nobody_can_connect_to_is_none(string endPoint)
    {
        Assert.Throws<ArgumentException>(() => new PortalAddress(IPEndPoint.Parse(endPoint)));
    }

    [Fact]
    public void The_same_portal_is_equal_however_it_was_written()
    {
        Assert.Equal(new PortalAddress(IPEndPoint.Parse("[fe80::1%2]:1")), new PortalAddress(IPEndPoint.Parse("[fe80::1%3]:1")));
        Assert.NotEqual(new PortalAddress(IPEndPoint.Parse("[fe80::1]:1")), new PortalAddress(IPEndPoint.Parse("[fe80::1]:2")));
    }
}

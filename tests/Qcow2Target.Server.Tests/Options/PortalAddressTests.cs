using System.Net;
using Qcow2Target.Server.Options;

namespace Qcow2Target.Server.Tests.Options;

public sealed class PortalAddressTests
{
    [Theory]
    [InlineData("0.0.0.0:3260", "0.0.0.0", 3260)]
    [InlineData("127.0.0.1:0", "127.0.0.1", 0)]
    [InlineData("255.255.255.255:65535", "255.255.255.255", 65535)]
    [InlineData("[::]:3260", "::", 3260)]
    [InlineData("[2001:db8::1]:3261", "2001:db8::1", 3261)]
    public void Address_and_port_are_read(string text, string address, int port) =>
        Assert.Equal(new IPEndPoint(IPAddress.Parse(address), port), PortalAddress.TryParse(text));

    [Theory]
    [InlineData("")]
    [InlineData(":")]
    [InlineData("3260")]
    [InlineData(":3260")]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1:")]
    [InlineData("127.0.0.1:65536")]
    [InlineData("127.0.0.1:-1")]
    [InlineData("127.0.0.1: 1")]
    [InlineData("127.1:3260")]
    [InlineData("1:3260")]
    [InlineData("010.0.0.1:3260")]
    [InlineData("localhost:3260")]
    [InlineData("::1:3260")]
    [InlineData("[127.0.0.1]:3260")]
    [InlineData("[[::1]]:3260")]
    [InlineData("[]:3260")]
    [InlineData("[::1]")]
    public void What_is_no_address_and_port_is_refused(string text) => Assert.Null(PortalAddress.TryParse(text));
}

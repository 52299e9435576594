using System.Net;
using Qcow2Target.Actors.Portals;

namespace Qcow2Target.Actors.Tests.Portals;

public sealed class PortalAddressesTests
{
    [Fact]
    public void A_wildcard_listener_shows_the_address_that_this_connection_came_to()
    {
        Assert.Equal(["192.0.2.7:3260,1"], For("192.0.2.7:3260", "0.0.0.0:3260", "[::]:3260"));
    }

    [Fact]
    public void Configured_portals_follow_but_not_wildcards_loopback_or_link_local_ones()
    {
        Assert.Equal(["192.0.2.7:3260,1", "[2001:db8::1]:3261,1"],
            For("192.0.2.7:3260", "192.0.2.7:3260", "127.0.0.1:3260", "[fe80::1]:3260", "[2001:db8::1]:3261"));
    }

    [Fact]
    public void An_initiator_on_this_host_sees_loopback_portals_only()
    {
        Assert.Equal(["127.0.0.1:3260,1", "[::1]:3260,1"], For("127.0.0.1:3260", "127.0.0.1:3260", "[::1]:3260", "192.0.2.7:3260"));
    }

    [Fact]
    public void A_link_local_address_is_shown_without_its_zone_to_who_came_over_it()
    {
        var local = new IPEndPoint(IPAddress.Parse("fe80::1%2"), 3260);
        Assert.Equal(["[fe80::1]:3260,1"], PortalAddresses.For(local, [], 1));
    }

    [Fact]
    public void A_wildcard_of_the_connections_family_stands_for_its_address_at_another_port()
    {
        Assert.Equal(["192.0.2.7:3260,1", "192.0.2.7:3261,1"], For("192.0.2.7:3260", "0.0.0.0:3261", "[::]:3262", "0.0.0.0:3260"));
        Assert.Equal(["[fe80::1]:3260,1", "[fe80::1]:3262,1"], For("[fe80::1%2]:3260", "0.0.0.0:3261", "[::]:3262", "[::]:3260"));
    }

    [Fact]
    public void Who_came_over_one_link_is_told_nothing_of_another()
    {
        Assert.Equal(["[fe80::1]:3260,1", "[fe80::1]:3261,1", "[2001:db8::1]:3260,1"],
            For("[fe80::1%2]:3260", "[fe80::1%2]:3260", "[fe80::1%2]:3261", "[fe80::2%3]:3260", "169.254.1.1:3260", "[2001:db8::1]:3260"));
        Assert.Equal(["169.254.1.1:3260,1"], For("169.254.1.1:3260", "169.254.1.1:3260", "[fe80::1%2]:3260"));
    }

    [Fact]
    public void A_mapped_address_is_shown_as_what_it_is()
    {
        Assert.Equal(["192.0.2.7:3260,1"], For("[::ffff:192.0.2.7]:3260"));
    }

    private static IReadOnlyList<string> For(string local, params string[] portals) =>
        PortalAddresses.For(IPEndPoint.Parse(local), portals.Select(IPEndPoint.Parse), 1);
}

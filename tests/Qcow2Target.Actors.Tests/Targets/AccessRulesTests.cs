using System.Net;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Iscsi.Chap;

namespace Qcow2Target.Actors.Tests.Targets;

public sealed class AccessRulesTests
{
    private static readonly IPAddress Somewhere = IPAddress.Parse("192.0.2.7");
    private static readonly ChapCredentials Board = new("board", "a secret of it");

    [Fact]
    public void Without_conditions_everybody_may_come() => Assert.Null(AccessRules.Everybody.FindRefusal("iqn.x", Somewhere, null));

    [Theory]
    [InlineData("iqn.2018-05.lab:board1", "iqn.2018-05.lab:board1", true)]
    [InlineData("iqn.2018-05.lab:board1", "IQN.2018-05.LAB:Board1", true)]
    [InlineData("iqn.2018-05.lab:board1", "iqn.2018-05.lab:board12", false)]
    [InlineData("iqn.2018-05.lab:*", "iqn.2018-05.lab:board1", true)]
    [InlineData("iqn.2018-05.lab:*", "iqn.2018-05.other:board1", false)]
    [InlineData("*:board1", "iqn.a:board1", true)]
    [InlineData("*:board1", "iqn.a:board1x", false)]
    [InlineData("iqn.*:b*1", "iqn.a:board1", true)]
    [InlineData("a*a", "a", false)]
    [InlineData("ab*ba", "aba", false)]
    [InlineData("ab*ba", "abba", true)]
    [InlineData("*", "anything", true)]
    [InlineData("**", "anything", true)]
    [InlineData("iqn.?", "iqn.x", false)]
    public void A_star_stands_for_any_characters(string pattern, string initiator, bool comesIn)
    {
        var rules = AccessRules.Everybody with { Initiators = ["iqn.nobody", pattern] };
        Assert.Equal(comesIn ? null : (2, 2), Status(rules.FindRefusal(initiator, Somewhere, null)));
        Assert.Equal(comesIn, rules.IsShownTo(initiator, Somewhere, chapUser: null));
    }

    [Theory]
    [InlineData("192.0.2.0/24", "192.0.2.7", true)]
    [InlineData("192.0.2.0/24", "192.0.3.7", false)]
    [InlineData("192.0.2.0/24", "::ffff:192.0.2.7", true)]
    [InlineData("2001:db8::/32", "2001:db8::1", true)]
    [InlineData("2001:db8::/32", "192.0.2.7", false)]
    [InlineData("fe80::/10", "fe80::1%2", true)]
    [InlineData("0.0.0.0/0", "192.0.2.7", true)]
    [InlineData("192.0.2.7/32", "192.0.2.7", true)]
    public void A_connection_comes_from_one_of_the_networks(string network, string address, bool comesIn)
    {
        var rules = AccessRules.Everybody with { Networks = [network] };
        Assert.Equal(comesIn ? null : (2, 2), Status(rules.FindRefusal("iqn.x", IPAddress.Parse(address), null)));
    }

    [Theory]
    [InlineData("board", true)]
    [InlineData("other", false)]
    [InlineData(null, true)]    // most prove who they are at the target only
    public void Discovery_shows_a_user_what_is_that_users_or_everybodys(string? user, bool isShown)
    {
        Assert.Equal(isShown, (AccessRules.Everybody with { Chap = [Board] }).IsShownTo("iqn.x", Somewhere, user));
        Assert.True(AccessRules.Everybody.IsShownTo("iqn.x", Somewhere, user));
    }

    [Theory]
    [InlineData("board", true)]
    [InlineData("other", false)]
    [InlineData(null, false)]
    public void A_proof_counts_if_its_user_is_still_there(string? user, bool comesIn)
    {
        var rules = AccessRules.Everybody with { Chap = [Board] };
        Assert.Equal(comesIn ? null : (2, 1), Status(rules.FindRefusal("iqn.x", Somewhere, user)));
    }

    [Fact]
    public void All_conditions_must_hold()
    {
        var rules = new AccessRules([Board], [], ["iqn.x"], ["192.0.2.0/24"]);
        Assert.Null(rules.FindRefusal("iqn.x", Somewhere, "board"));
        Assert.NotNull(rules.FindRefusal("iqn.y", Somewhere, "board"));
        Assert.NotNull(rules.FindRefusal("iqn.x", IPAddress.Loopback, "board"));
        Assert.NotNull(rules.FindRefusal("iqn.x", Somewhere, null));
    }

    [Fact]
    public void Contradictions_are_named()
    {
        Assert.NotNull((AccessRules.Everybody with { MutualChap = [Board] }).FindContradiction());
        Assert.NotNull((AccessRules.Everybody with { Chap = [Board], MutualChap = [new("we", Board.Secret)] }).FindContradiction());
        Assert.Null((AccessRules.Everybody with { Chap = [Board], MutualChap = [new("we", "another secret")] }).FindContradiction());
    }

    [Fact]
    public void A_change_keeps_what_it_does_not_name()
    {
        var rules = new AccessRules([Board], [], ["iqn.x"], []);
        var changed = new AccessChange(Chap: [], null, null, ["192.0.2.0/24"]).ApplyTo(rules);
        Assert.Empty(changed.Chap);
        Assert.Equal(["iqn.x"], changed.Initiators);
        Assert.Equal(["192.0.2.0/24"], changed.Networks);
    }

    private static (int Class, int Detail)? Status(LoginRefused? refusal) => refusal is null ? null : (refusal.StatusClass, refusal.StatusDetail);
}

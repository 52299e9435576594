namespace Qcow2Target.Control.Tests;

public sealed class IscsiNameTests
{
    [Theory]
    [InlineData("iqn.2018-05.com.networkoptix:demo")]
    [InlineData("iqn.nx.2018.com:arms:rpi1")]
    [InlineData("iqn.2008-05.com.networkoptix.ft.arms:example.tgt")]
    [InlineData("eui.02004567A425678D")]
    [InlineData("naa.52004567BA64678D")]
    [InlineData("IQN.2018-05.COM.NetworkOptix:Rack_3")]
    [InlineData("iqn.x")]
    public void Good_target_name_is_taken(string name) => Assert.Null(IscsiName.FindTargetNameFault(name));

    [Theory]
    [InlineData("", "begin")]
    [InlineData("iqn", "begin")]
    [InlineData("rpi1", "begin")]
    [InlineData(" iqn.2018", "begin")]
    [InlineData("iqn.", "nothing follows")]
    [InlineData("naa.", "nothing follows")]
    [InlineData("iqn.a b", "position 5")]
    [InlineData("iqn.a/b", "position 5")]
    [InlineData("iqn.a\n", "position 5")]
    [InlineData("iqn.\u00e4", "position 4")]
    [InlineData("iqn.\u212a", "position 4")] // the Kelvin sign: equal to "k" for a careless comparison without case
    [InlineData("iqn.a,b", "position 5")]
    public void Bad_target_name_is_refused_with_its_reason(string name, string reason) =>
        Assert.Contains(reason, IscsiName.FindTargetNameFault(name), StringComparison.Ordinal);

    [Fact]
    public void Target_name_of_223_bytes_is_the_longest()
    {
        Assert.Null(IscsiName.FindTargetNameFault("iqn." + new string('a', 219)));
        Assert.Contains("223", IscsiName.FindTargetNameFault("iqn." + new string('a', 220)), StringComparison.Ordinal);
    }

    [Fact]
    public void Names_are_compared_without_case() =>
        Assert.Equal("iqn.2018.com:Rack", "IQN.2018.COM:rack", IscsiName.Comparer);
}

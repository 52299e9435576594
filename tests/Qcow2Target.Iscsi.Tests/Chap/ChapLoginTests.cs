using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Qcow2Target.Iscsi.Chap;
using Qcow2Target.Iscsi.Login;
using Qcow2Target.Iscsi.Tests.Login;

namespace Qcow2Target.Iscsi.Tests.Chap;

/// <summary>CHAP as an initiator sees it: whole logins by PDUs.</summary>
public sealed class ChapLoginTests
{
    private const string User = "board", Secret = "a secret of a board", OurName = "target", OurSecret = "a secret of the target";
    private static readonly ChapRequirement OneUser = new([new("other", "another one's secret"), new(User, Secret)], Mutual: null, IsRequired: true);
    private static readonly ChapRequirement Mutual = OneUser with { Mutual = new(OurName, OurSecret) };

    [Theory]
    [InlineData("5", "5")]
    [InlineData("7,5", "7")]
    [InlineData("5,7", "5")]
    [InlineData("56,6", "6")]
    [InlineData("8,7,6,5", "8")]
    [InlineData("99,7", "7")]
    public void The_first_algorithm_of_the_list_that_is_known_is_used(string list, string chosen)
    {
        var login = Challenged(OneUser, list);
        Assert.Equal(chosen, login["CHAP_A"]);
        login.Send(LoginScript.Request(Proof(login, User, Secret), 0, 1));
        Assert.True(login.Response is { IsTransit: true, LoginStatus: LoginStatus.Success });
        login.Send(LoginScript.Request("", 1, 3));
        Assert.Equal(User, login.Asked!.ChapUser);
        Assert.Equal(LoginStatus.Success, login.Response.LoginStatus);
    }

    [Theory]
    [InlineData("a secret at one target", true)]
    [InlineData("a secret at another", true)]
    [InlineData("another one's secret", false)]
    [InlineData("nobody's secret", false)]
    public void Of_several_secrets_of_one_name_any_will_do(string secret, bool isTaken)
    {
        ChapRequirement shared = new([new(User, "a secret at one target"), new("other", "another one's secret"), new(User, "a secret at another")], Mutual: null, IsRequired: true);
        var login = Challenged(shared, "5");
        login.Send(LoginScript.Request(Proof(login, User, secret), 0, 1));
        if (isTaken) Assert.Equal(LoginStatus.Success, login.Response.LoginStatus);
        else login.AssertRefused(LoginStatus.AuthenticationFailure);
    }

    [Theory]
    [InlineData("")]
    [InlineData("56")]
    [InlineData("4")]
    [InlineData(" 5")]
    [InlineData("5;7")]
    public void No_known_algorithm_is_an_authentication_failure(string list)
    {
        var login = Begun(OneUser);
        login.Send(LoginScript.Request($"CHAP_A={list}\0", 0, 0, transit: false));
        login.AssertRefused(LoginStatus.AuthenticationFailure);
    }

    [Theory]
    [InlineData("5,6,7", "7")]
    [InlineData("6,8", "8")]
    [InlineData("5,6", null)]
    public void What_is_below_the_floor_is_not_taken(string list, string? chosen)
    {
        var login = Begun(OneUser, ChapAlgorithm.Sha256);
        login.Send(LoginScript.Request($"CHAP_A={list}\0", 0, 0, transit: false));
        if (chosen is null) login.AssertRefused(LoginStatus.AuthenticationFailure);
        else Assert.Equal(chosen, login["CHAP_A"]);
    }

    [Fact]
    public void The_stage_does_not_end_before_the_proof_whatever_is_wished()
    {
        var login = New(OneUser);
        login.Send(LoginScript.Request(LoginScript.Normal + "AuthMethod=CHAP,None\0", 0, 1));
        Assert.Equal("CHAP", login["AuthMethod"]);
        Assert.False(login.Response.IsTransit);
        login.Send(LoginScript.Request("CHAP_A=5\0", 0, 3));
        Assert.False(login.Response.IsTransit);
        login.Send(LoginScript.Request("", 0, 3));
        Assert.False(login.Response.IsTransit);
        login.Send(LoginScript.Request("CHAP_N=board\0", 0, 3));
        login.AssertRefused(LoginStatus.AuthenticationFailure);
    }

    [Fact]
    public void A_wrong_secret_and_a_wrong_name_are_refused_alike()
    {
        var secret = Challenged(OneUser);
        secret.Send(LoginScript.Request(Proof(secret, User, "some other secret"), 0, 1));
        secret.AssertRefused(LoginStatus.AuthenticationFailure);
        var name = Challenged(OneUser);
        name.Send(LoginScript.Request(Proof(name, "nobody", Secret), 0, 1));
        name.AssertRefused(LoginStatus.AuthenticationFailure);
        Assert.Equal(secret.Answer, name.Answer);
    }

    [Theory]
    [InlineData("CHAP_R=0x00")]
    [InlineData("CHAP_R=")]
    [InlineData("CHAP_R=0x")]
    [InlineData("CHAP_R=0xzz")]
    [InlineData("CHAP_R=1234")]
    public void A_response_that_is_malformed_or_short_is_refused(string response)
    {
        var login = Challenged(OneUser);
        login.Send(LoginScript.Request($"CHAP_N={User}\0{response}\0", 0, 1));
        login.AssertRefused(LoginStatus.AuthenticationFailure);
    }

    [Fact]
    public void A_response_may_come_in_base64_and_a_name_is_text_whatever_it_begins_with()
    {
        var requirement = OneUser with { Users = [new("0x626f", Secret)] };
        var login = Challenged(requirement);
        var response = "0b" + Convert.ToBase64String(Response(login, Secret));
        login.Send(LoginScript.Request($"CHAP_N=0x626f\0CHAP_R={response}\0", 0, 1));
        Assert.True(login.Response is { IsTransit: true, LoginStatus: LoginStatus.Success });
    }

    [Fact]
    public void Each_login_has_a_challenge_of_its_own_that_is_sent_in_hexadecimal()
    {
        var (one, two) = (Challenged(OneUser), Challenged(OneUser));
        Assert.NotEqual(one["CHAP_C"], two["CHAP_C"]);
        Assert.Matches("^0x[0-9a-f]{48}$", one["CHAP_C"]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    public void Who_comes_without_chap_is_refused(int stage)
    {
        var login = New(OneUser);
        login.Send(LoginScript.Request(LoginScript.Normal, stage, 3));
        login.AssertRefused(LoginStatus.AuthenticationFailure);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_long_answer_on_the_way_is_no_way_around_the_proof(int stage)
    {
        var login = New(OneUser);
        var keys = string.Concat(Enumerable.Range(0, 200).Select(i => $"X-com.example.a-rather-long-key-{i}=1\0"));
        login.Send(LoginScript.Request(LoginScript.Normal + keys[..7000], stage, 0, transit: false, continued: true));
        login.Send(LoginScript.Request(keys[7000..], stage, 0, transit: false));
        if (login.Step is LoginStep.Send) login.Send(LoginScript.Request("", stage, 3));
        login.AssertRefused(LoginStatus.AuthenticationFailure);
    }

    [Fact]
    public void Who_does_not_offer_chap_is_refused()
    {
        var login = New(OneUser);
        login.Send(LoginScript.Request(LoginScript.Normal + "AuthMethod=None\0", 0, 1));
        login.AssertRefused(LoginStatus.AuthenticationFailure);
        Assert.Equal("Reject", login["AuthMethod"]);
    }

    [Fact]
    public void Where_nothing_is_asked_none_is_chosen_and_one_that_insists_is_refused()
    {
        var login = New(requirement: null);
        login.Send(LoginScript.Request(LoginScript.Normal + "AuthMethod=CHAP,None\0", 0, 1));
        Assert.Equal("None", login["AuthMethod"]);
        login = New(requirement: null);
        login.Send(LoginScript.Request(LoginScript.Normal + "AuthMethod=CHAP\0", 0, 1));
        login.AssertRefused(LoginStatus.AuthenticationFailure);
    }

    [Fact]
    public void The_target_proves_itself_to_one_that_asks()
    {
        var login = Challenged(Mutual, "7");
        byte[] challenge = [.. Enumerable.Range(1, 16).Select(i => (byte)i)];
        login.Send(LoginScript.Request($"{Proof(login, User, Secret)}CHAP_I=9\0CHAP_C=0x{Convert.ToHexString(challenge)}\0", 0, 1));
        Assert.True(login.Response.IsTransit);
        Assert.Equal(OurName, login["CHAP_N"]);
        Assert.Equal("0x" + Convert.ToHexStringLower(SHA256.HashData([9, .. Encoding.UTF8.GetBytes(OurSecret), .. challenge])), login["CHAP_R"]);
    }

    [Fact]
    public void A_reflected_challenge_is_refused()
    {
        var login = Challenged(Mutual);
        login.Send(LoginScript.Request($"{Proof(login, User, Secret)}CHAP_I=9\0CHAP_C={login["CHAP_C"]}\0", 0, 1));
        login.AssertRefused(LoginStatus.AuthenticationFailure);
        Assert.Null(login["CHAP_R"]);
    }

    [Theory]
    [InlineData("CHAP_I=9\0")]
    [InlineData("CHAP_C=0x01\0")]
    [InlineData("CHAP_I=256\0CHAP_C=0x01\0")]
    [InlineData("CHAP_I=9\0CHAP_C=zz\0")]
    public void Half_a_wish_for_mutual_chap_is_refused(string keys)
    {
        var login = Challenged(Mutual);
        login.Send(LoginScript.Request(Proof(login, User, Secret) + keys, 0, 1));
        login.AssertRefused(LoginStatus.AuthenticationFailure);
    }

    [Fact]
    public void Mutual_chap_that_is_not_configured_is_refused()
    {
        var login = Challenged(OneUser);
        login.Send(LoginScript.Request($"{Proof(login, User, Secret)}CHAP_I=9\0CHAP_C=0x0102\0", 0, 1));
        login.AssertRefused(LoginStatus.AuthenticationFailure);
    }

    [Theory]
    [InlineData("CHAP_A=5\0CHAP_A=5\0")]
    [InlineData("CHAP_N=board\0CHAP_R=0x01\0")]
    public void Keys_out_of_their_place_are_refused(string keys)
    {
        var login = Begun(OneUser);
        login.Send(LoginScript.Request(keys, 0, 1));
        Assert.IsType<LoginStep.SendAndClose>(login.Step);
    }

    [Fact]
    public void An_algorithm_is_chosen_once()
    {
        var login = Challenged(OneUser);
        login.Send(LoginScript.Request("CHAP_A=5\0", 0, 0, transit: false));
        login.AssertRefused(LoginStatus.AuthenticationFailure);
    }

    [Fact]
    public void A_secret_is_never_printed() => Assert.DoesNotContain(Secret, new ChapCredentials(User, Secret).ToString(), StringComparison.Ordinal);

    private static LoginScript New(ChapRequirement? requirement, ChapAlgorithm floor = ChapAlgorithm.Md5) =>
        new(new LoginOffers { Access = new Fixed(requirement), ChapFloor = floor });

    private static LoginScript Begun(ChapRequirement requirement, ChapAlgorithm floor = ChapAlgorithm.Md5)
    {
        var login = New(requirement, floor);
        login.Send(LoginScript.Request(LoginScript.Normal + "AuthMethod=CHAP\0", 0, 0, transit: false));
        return login;
    }

    private static LoginScript Challenged(ChapRequirement requirement, string list = "5")
    {
        var login = Begun(requirement);
        login.Send(LoginScript.Request($"CHAP_A={list}\0", 0, 0, transit: false));
        return login;
    }

    private static string Proof(LoginScript login, string name, string secret) => $"CHAP_N={name}\0CHAP_R=0x{Convert.ToHexString(Response(login, secret))}\0";

    private static byte[] Response(LoginScript login, string secret)
    {
        byte[] all = [byte.Parse(login["CHAP_I"]!, CultureInfo.InvariantCulture), .. Encoding.UTF8.GetBytes(secret), .. Convert.FromHexString(login["CHAP_C"]![2..])];
        return login["CHAP_A"] switch
        {
#pragma warning disable CA5350, CA5351
            "5" => MD5.HashData(all),
            "6" => SHA1.HashData(all),
#pragma warning restore CA5350, CA5351
            "7" => SHA256.HashData(all),
            _ => SHA3_256.HashData(all),
        };
    }

    private sealed class Fixed(ChapRequirement? requirement) : ILoginAccess
    {
        public ChapRequirement? FindChap(string initiatorName, SessionType sessionType, string targetName) => requirement;
    }
}

using Newtonsoft.Json.Linq;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>Who may come in, tried with libiscsi's tools: CHAP one way and both, names, networks, discovery, and what a restart keeps.</summary>
public sealed class AccessTests(ITestOutputHelper output)
{
    private const string Target = "iqn.2018-05.local:guarded", Open = "iqn.2018-05.local:open";
    private const string Secret = "twelve bytes or more", OurSecret = "and the other direction";

    [Fact]
    public async Task Chap_is_asked_for_until_it_is_taken_away_and_a_restart_keeps_it()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(output);
        QemuImg.Create(daemon.Disk("disk.qcow2"), 1 << 20);
        await daemon.MustAsync("ADDTARGET", new { target_name = Target, chap = new[] { new { name = "other", secret = "somebody else's" }, new { name = "board", secret = Secret } } });
        await daemon.AttachAsync(Target, "disk.qcow2");
        Assert.False(Inquiry(daemon, "").Succeeded);
        Assert.False(Inquiry(daemon, "board%wrong secret here@").Succeeded);
        Assert.True(Inquiry(daemon, $"board%{Secret}@").Succeeded);
        Assert.False(Inquiry(daemon, $"board%{Secret}@", $"?target_user=we&target_password={OurSecret}").Succeeded);

        await daemon.MustAsync("SETACCESS", new { target_name = Target, mutual_chap = new { name = "we", secret = OurSecret } });
        Assert.True(Inquiry(daemon, $"board%{Secret}@", $"?target_user=we&target_password={OurSecret}").Succeeded);
        Assert.False(Inquiry(daemon, $"board%{Secret}@", "?target_user=we&target_password=not our direction").Succeeded);

        await daemon.StopAsync();
        await daemon.StartAgainAsync();
        Assert.False(Inquiry(daemon, "").Succeeded);
        Assert.True(Inquiry(daemon, $"board%{Secret}@", $"?target_user=we&target_password={OurSecret}").Succeeded);
        JToken access = (await daemon.MustAsync("LIST", new { target_name = Target }))[Target]!["access"]!;
        Assert.Equal("""{"chap":["other","board"],"mutual_chap":["we"]}""", access.ToString(Newtonsoft.Json.Formatting.None));

        await daemon.MustAsync("SETACCESS", new { target_name = Target, chap = Array.Empty<object>(), mutual_chap = Array.Empty<object>() });
        Assert.True(Inquiry(daemon, "").Succeeded);
        Assert.DoesNotContain(Secret, daemon.Log, StringComparison.Ordinal);
        Assert.DoesNotContain(OurSecret, daemon.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_and_networks_decide_and_discovery_shows_only_what_may_be_used()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(output);
        await daemon.AddTargetAsync(Open);
        await daemon.MustAsync("ADDTARGET", new { target_name = Target, initiators = new[] { "iqn.2018-05.local:board*" }, networks = new[] { "127.0.0.0/8", "2001:db8::/32" } });
        Assert.Equal([Open, Target], Discover(daemon, "iqn.2018-05.local:board7"));
        Assert.Equal([Open], Discover(daemon, "iqn.2018-05.local:other"));
        await daemon.MustAsync("SETACCESS", new { target_name = Target, networks = new[] { "192.0.2.0/24" } });
        Assert.Equal([Open], Discover(daemon, "iqn.2018-05.local:board7"));
    }

    [Fact]
    public async Task What_contradicts_itself_is_refused_and_changes_nothing()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(output);
        JObject refused = await daemon.RequestAsync("SETACCESS", new { target_name = Target, networks = new[] { "nonsense" } });
        Assert.Contains("target does not exist", refused.Value<string>("error"), StringComparison.Ordinal);
        await daemon.MustAsync("ADDTARGET", new { target_name = Target, chap = new { name = "board", secret = Secret } });
        foreach (object command in new object[]
        {
            new { target_name = Target, networks = new[] { "nonsense" } },
            new { target_name = Target, mutual_chap = new { name = "we", secret = Secret } },
            new { target_name = Target, chap = new { name = "board", secret = "short" } },
        })
        {
            refused = await daemon.RequestAsync("SETACCESS", command);
            Assert.Equal("invalid_access", refused["result"]!.Value<string>("code"));
            Assert.DoesNotContain(Secret, refused.ToString(), StringComparison.Ordinal);
        }
        JToken access = (await daemon.MustAsync("LIST", new { details = true }))[Target]!["access"]!;
        Assert.Equal("""{"chap":["board"]}""", access.ToString(Newtonsoft.Json.Formatting.None));
    }

    private static ToolResult Inquiry(DaemonProcess daemon, string user, string query = "") =>
        Tool.Run("iscsi-inq", [$"iscsi://{user}127.0.0.1:{daemon.Port}/{Target}/0{query}"]);

    private static string[] Discover(DaemonProcess daemon, string initiator) =>
    [
        .. Tool.Run("iscsi-ls", ["-i", initiator, daemon.PortalUrl]).EnsureSuccess().Output.Split('\n')
            .Where(line => line.StartsWith("Target:", StringComparison.Ordinal)).Select(line => line["Target:".Length..].Split(' ')[0]).OrderDescending(),
    ];
}

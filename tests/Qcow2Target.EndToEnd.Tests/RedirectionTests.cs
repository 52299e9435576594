using System.Net;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.Iscsi.Login;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>libiscsi before a portal that sends it to the daemon (RFC 7143 11.13.5). iPXE is sent there in <see cref="IpxeTests"/>.</summary>
public sealed class RedirectionTests(ITestOutputHelper output)
{
    private const string Target = "iqn.2018-05.local:elsewhere";

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("[::1]", "::1")]
    public async Task Libiscsi_goes_where_it_is_sent(string bound, string address)
    {
        if (bound.StartsWith('[') && !HostNetwork.HasIPv6) return;
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(output, bound);
        await daemon.AddTargetAsync(Target);
        QemuImg.Create(daemon.Disk("disk.qcow2"), 16 << 20);
        await daemon.AttachAsync(Target, "disk.qcow2");
        await using RedirectingPortal portal = new(new IPEndPoint(IPAddress.Parse(address), daemon.Port));
        Assert.Contains("Vendor:", Libiscsi.Inquiry($"iscsi://127.0.0.1:{portal.Port}/{Target}/0"), StringComparison.Ordinal);
        Assert.Equal(1, portal.Redirected);
    }

    [Fact]
    public async Task Libiscsi_is_refused_by_a_target_that_has_moved_for_good()
    {
        await using RedirectingPortal portal = new(new IPEndPoint(IPAddress.Loopback, 3260), RedirectDuration.Permanent);
        ToolResult refused = Tool.Run("iscsi-inq", [$"iscsi://127.0.0.1:{portal.Port}/{Target}/0"]);
        Assert.False(refused.Succeeded);
        Assert.Contains("258", refused.ErrorOutput, StringComparison.Ordinal);     // 0102 as libiscsi names a status that it does not know
        Assert.Equal(1, portal.Redirected);
    }
}

using Qcow2Target.Testing;

namespace Qcow2Target.Admin.Tests.Commands;

public sealed class AttachCommandTests
{
    [Theory]
    [InlineData("""{"type":"ATTACH","command":{"disk_path":"d.qcow2","target_name":"iqn.a"}}""")]
    [InlineData("""{"type":"ATTACH","command":{"disk_path":"d.qcow2","target_name":"iqn.a","lun_id":7,"serial":"S 1"}}""", "--lun-id=7", "--serial", "S 1")]
    [InlineData("""{"type":"ATTACH","command":{"disk_path":"d.qcow2","target_name":"iqn.a","read_only":true}}""", "--read-only")]
    [InlineData("""{"type":"ATTACH","command":{"disk_path":"d.qcow2","target_name":"iqn.a","detect_zeroes":true}}""", "--detect-zeroes")]
    [InlineData("""{"type":"ATTACH","command":{"disk_path":"d.qcow2","target_name":"iqn.a","removable":true,"physical_block_size":512}}""", "--removable", "--physical-block-size", "512")]
    [InlineData("""{"type":"ATTACH","command":{"disk_path":"d.qcow2","target_name":"iqn.a","discard_pending":true}}""", "--discard-pending")]
    public async Task Lun_id_alone_is_printed(string request, params string[] more)
    {
        using var server = FakeControlServer.Replying("""{"error":"","result":{"lun_id":7},"Type":"ATTACH"}""");
        Assert.Equal(new AdminRun(0, "7\n", ""), await AdminRun.AgainstAsync(server, ["attach", "-t", "iqn.a", "-d", "d.qcow2", .. more]));
        Assert.Equal([request], server.Received);
    }
}

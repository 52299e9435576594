using Qcow2Target.Testing;

namespace Qcow2Target.Admin.Tests.Commands;

public sealed class DetachLunCommandTests
{
    [Theory]
    [InlineData("""{"type":"DETACHLUN","command":{"lun_id":3,"target_name":"iqn.a"}}""", "-l", "3")]
    [InlineData("""{"type":"DETACHLUN","command":{"lun_id":3,"target_name":"iqn.a"}}""", "--lun_id=3")]
    [InlineData("""{"type":"DETACHLUN","command":{"lun_id":-1,"target_name":"iqn.a"}}""", "--lun-id", "-1")]
    [InlineData("""{"type":"DETACHLUN","command":{"lun_id":3,"target_name":"iqn.a","flush":false}}""", "-l", "3", "--no-flush")]
    public async Task Path_of_the_freed_disk_is_printed(string request, params string[] options)
    {
        using var server = FakeControlServer.Replying("""{"error":"","result":{"file_path":"/disks/a b.qcow2"},"Type":"DETACHLUN"}""");
        Assert.Equal(new AdminRun(0, "/disks/a b.qcow2\n", ""), await AdminRun.AgainstAsync(server, ["detachlun", "-t", "iqn.a", .. options]));
        Assert.Equal([request], server.Received);
    }
}

using Qcow2Target.Testing;

namespace Qcow2Target.Admin.Tests.Commands;

public sealed class AddTargetCommandTests
{
    [Fact]
    public async Task Target_is_added_without_a_word()
    {
        using var server = FakeControlServer.Replying("""{"error":"","result":{},"Type":"EMPTY"}""");
        Assert.Equal(new AdminRun(0, "", ""), await AdminRun.AgainstAsync(server, "addtarget", "-t", "iqn.a"));
        Assert.Equal(["""{"type":"ADDTARGET","command":{"target_name":"iqn.a"}}"""], server.Received);
    }
}

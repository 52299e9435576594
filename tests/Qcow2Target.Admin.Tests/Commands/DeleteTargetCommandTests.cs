using Qcow2Target.Testing;

namespace Qcow2Target.Admin.Tests.Commands;

public sealed class DeleteTargetCommandTests
{
    [Theory]
    [InlineData("""{"type":"DELETETARGET","command":{"target_name":"iqn.a"}}""")]
    [InlineData("""{"type":"DELETETARGET","command":{"target_name":"iqn.a","force":true}}""", "--force")]
    public async Task Target_is_deleted_without_a_word(string request, params string[] more)
    {
        using var server = FakeControlServer.Replying("""{"error":"","result":{},"Type":"EMPTY"}""");
        Assert.Equal(new AdminRun(0, "", ""), await AdminRun.AgainstAsync(server, ["deletetarget", "-t", "iqn.a", .. more]));
        Assert.Equal([request], server.Received);
    }
}

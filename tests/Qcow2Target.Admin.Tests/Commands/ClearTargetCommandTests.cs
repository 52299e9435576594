using Qcow2Target.Testing;

namespace Qcow2Target.Admin.Tests.Commands;

public sealed class ClearTargetCommandTests
{
    [Theory]
    [InlineData("""{"type":"CLEARTARGET","command":{"target_name":"iqn.a"}}""")]
    [InlineData("""{"type":"CLEARTARGET","command":{"target_name":"iqn.a","force":true,"flush":false}}""", "--force", "--no-flush")]
    public async Task Paths_of_the_freed_disks_are_printed_one_a_line(string request, params string[] more)
    {
        using var server = FakeControlServer.Replying("""{"error":"","result":{"freed_logical_unit_paths":["/d/a","/d/b c"]},"Type":"CLEARTARGET"}""");
        Assert.Equal(new AdminRun(0, "/d/a\n/d/b c\n", ""), await AdminRun.AgainstAsync(server, ["cleartarget", "-t", "iqn.a", .. more]));
        Assert.Equal([request], server.Received);
    }

    [Fact]
    public async Task Target_without_disks_is_cleared_without_a_word()
    {
        using var server = FakeControlServer.Replying("""{"error":"","result":{"freed_logical_unit_paths":[]},"Type":"CLEARTARGET"}""");
        Assert.Equal(new AdminRun(0, "", ""), await AdminRun.AgainstAsync(server, "cleartarget", "-t", "iqn.a"));
    }
}

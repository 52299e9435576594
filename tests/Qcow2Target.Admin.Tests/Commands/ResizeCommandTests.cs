using Qcow2Target.Testing;

namespace Qcow2Target.Admin.Tests.Commands;

public sealed class ResizeCommandTests
{
    [Theory]
    [InlineData("512", 512L)]
    [InlineData("10G", 10L << 30)]
    [InlineData("10g", 10L << 30)]
    [InlineData("1.5 TiB", 3L << 39)]
    [InlineData("512kB", 512_000L)]
    [InlineData("2P", 1L << 51)]
    [InlineData("64KiB", 64L << 10)]
    public async Task Size_in_bytes_is_asked_for_and_printed(string given, long bytes)
    {
        using var server = FakeControlServer.Replying($$$"""{"error":"","result":{"size":{{{bytes}}}},"Type":"RESIZE"}""");
        Assert.Equal(new AdminRun(0, $"{bytes}\n", ""), await AdminRun.AgainstAsync(server, ["resize", "-t", "iqn.a", "-l", "3", "-s", given]));
        Assert.Equal([$$$"""{"type":"RESIZE","command":{"target_name":"iqn.a","lun_id":3,"size":{{{bytes}}}}}"""], server.Received);
    }

    [Theory]
    [InlineData("")]
    [InlineData("G")]
    [InlineData("-1G")]
    [InlineData("0.3k")]
    [InlineData("1X")]
    [InlineData("1.2.3")]
    [InlineData("9E")]
    [InlineData("99999999999999999999999999999999999999")]
    [InlineData("1 G G")]
    public async Task What_is_no_size_is_not_sent(string given)
    {
        using var server = FakeControlServer.Replying("{}");
        var run = await AdminRun.AgainstAsync(server, ["resize", "-t", "iqn.a", "-l", "3", "-s", given]);
        Assert.Equal(1, run.ExitCode);
        Assert.Empty(server.Received);
    }
}

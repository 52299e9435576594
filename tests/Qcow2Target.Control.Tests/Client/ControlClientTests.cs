using System.Net.Sockets;
using Qcow2Target.Control.Client;
using Qcow2Target.Control.Replies;
using Qcow2Target.Control.Requests;
using Qcow2Target.Testing;

namespace Qcow2Target.Control.Tests.Client;

public sealed class ControlClientTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Requests_go_out_as_lines_and_replies_come_back()
    {
        using var server = FakeControlServer.Replying("""{"error":"","result":{"lun_id":5},"Type":"ATTACH"}""");
        using ControlClient client = await ControlClient.ConnectAsync(server.SocketPath, Limit);
        for (int i = 0; i < 3; i++)
        {
            ControlExchange exchange = await client.SendAsync(new AttachRequest("iqn.a", "\u00e4.qcow2"));
            Assert.Equal(new AttachReply(5), exchange.Reply);
            Assert.Equal("""{"error":"","result":{"lun_id":5},"Type":"ATTACH"}""", exchange.Line);
        }

        Assert.Equal(Enumerable.Repeat("""{"type":"ATTACH","command":{"disk_path":"ä.qcow2","target_name":"iqn.a"}}""", 3), server.Received);
    }

    [Fact]
    public async Task Reply_of_several_megabytes_is_read()
    {
        string path = new('x', 5_000_000);
        using var server = FakeControlServer.Replying($$"""{"error":"","result":{"file_path":"{{path}}"},"Type":"DETACHLUN"}""");
        using ControlClient client = await ControlClient.ConnectAsync(server.SocketPath, Limit);
        Assert.Equal(new DetachLunReply(path), (await client.SendAsync(new DetachLunRequest("iqn.a", 0))).Reply);
    }

    [Fact]
    public async Task Silence_ends_at_the_time_limit()
    {
        using var server = FakeControlServer.Silent();
        using ControlClient client = await ControlClient.ConnectAsync(server.SocketPath, TimeSpan.FromMilliseconds(50));
        await FailsAsync(ControlClientError.TimedOut, () => client.SendAsync(new ListRequest()));
    }

    [Fact]
    public async Task Cancelling_is_not_a_fault_of_the_daemon()
    {
        using var server = FakeControlServer.Silent();
        using ControlClient client = await ControlClient.ConnectAsync(server.SocketPath, Limit);
        using var cancel = new CancellationTokenSource();
        Task<ControlExchange> waiting = client.SendAsync(new ListRequest(), cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    [Fact]
    public async Task Connection_closed_without_a_reply_is_told()
    {
        using var server = new FakeControlServer(_ => null);
        using ControlClient client = await ControlClient.ConnectAsync(server.SocketPath, Limit);
        await FailsAsync(ControlClientError.ClosedEarly, () => client.SendAsync(new ListRequest()));
    }

    [Fact]
    public async Task Garbage_is_told()
    {
        using var server = FakeControlServer.Replying("HTTP/1.1 400 Bad Request");
        using ControlClient client = await ControlClient.ConnectAsync(server.SocketPath, Limit);
        await FailsAsync(ControlClientError.MalformedReply, () => client.SendAsync(new ListRequest()));
    }

    [Fact]
    public async Task Missing_socket_and_one_that_nobody_listens_on_are_told_apart()
    {
        using var directory = new TempDirectory();
        string path = directory["s"];
        await FailsAsync(ControlClientError.NoSocket, () => ControlClient.ConnectAsync(path, Limit));
        using var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        dead.Bind(new UnixDomainSocketEndPoint(path));
        await FailsAsync(ControlClientError.NobodyListens, () => ControlClient.ConnectAsync(path, Limit));
        string file = directory.File("f", "no socket"u8);
        await FailsAsync(ControlClientError.NobodyListens, () => ControlClient.ConnectAsync(file, Limit));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/tmp/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")]
    public Task Path_that_no_socket_can_have_is_told(string path) =>
        FailsAsync(ControlClientError.InvalidPath, () => ControlClient.ConnectAsync(path, Limit));

    private static async Task FailsAsync(ControlClientError error, Func<Task> action) =>
        Assert.Equal(error, (await Assert.ThrowsAsync<ControlClientException>(action)).Error);
}

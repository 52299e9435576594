using System.Net;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>Peers that misbehave before or in a session: others go on, new logins come through, and the daemon is afterwards as it was before.</summary>
[Collection(HeavyCollection.Name)]
public sealed class BadPeersTests(BadPeersFixture fixture, ITestOutputHelper output) : IClassFixture<BadPeersFixture>
{
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(15);
    private readonly IPAddress _from = fixture.NewAddress();

    private IPEndPoint Portal => fixture.Daemon.Portal;

    // Before a session

    [Fact]
    public Task Ten_thousand_connections_that_say_nothing() => fixture.UnharmedByAsync(
        async () =>
        {
            List<BadPeer> held = [];
            int most = Math.Min(10_000, DaemonFigures.DescriptorLimit - 1_000);
            while (held.Count < most)
            {
                held.AddRange(await Task.WhenAll(Enumerable.Range(0, 250).Select(_ => ConnectAsync())));
                if (held.Count % 2_500 == 0) await fixture.LogInAndOutAsync();
            }
            output.WriteLine($"{held.Count} connections are open");
            Assert.InRange(DaemonFigures.Of(fixture.Daemon.ProcessId).Descriptors, 1, 1_500);
            return held;
        },
        "made room for others: it said little or nothing");

    [Fact]
    public Task A_flood_of_logins_for_a_target_that_is_not_there() => fixture.UnharmedByAsync(
        async () =>
        {
            byte[] request = BadPeer.LoginRequest("iqn.2018-05.local:bad", "iqn.2018-05.local:nowhere");
            for (int i = 0; i < 20; i++) await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => SendUntilClosedAsync(request)));
            return [];
        },
        "was refused with NotFound: there is no target iqn.2018-05.local:nowhere");

    [Fact]
    public Task Logins_that_drip() => fixture.UnharmedByAsync(
        async () =>
        {
            byte[] request = BadPeer.LoginRequest("iqn.2018-05.local:bad", BadPeersFixture.Target);
            BadPeer[] held = await Task.WhenAll(Enumerable.Range(0, 700).Select(_ => ConnectAsync()));
            for (int i = 0; i < RawPdu.HeaderLength + 10; i++) await Task.WhenAll(held.Select(peer => peer.SendAsync(request.AsMemory(i, 1))));
            return held;
        },
        "made room for others: a Login Request stood longest");

    [Fact]
    public async Task Logins_that_stop_halfway_are_ended_in_time()
    {
        await using DaemonProcess daemon = await BadPeersFixture.StartAsync(loginTimeout: "1s");
        await daemon.AddTargetAsync(BadPeersFixture.Target);
        byte[] request = BadPeer.LoginRequest("iqn.2018-05.local:bad", BadPeersFixture.Target);
        request[1] = 0;     // stays in the security stage
        IPAddress[] from = [.. Enumerable.Range(0, 3).Select(_ => fixture.NewAddress())];
        using BadPeer silent = await BadPeer.ConnectAsync(daemon.Portal, from[0]);
        using BadPeer half = await BadPeer.ConnectAsync(daemon.Portal, from[1]);
        using BadPeer negotiating = await BadPeer.ConnectAsync(daemon.Portal, from[2]);
        await half.SendAsync(request.AsMemory(0, 60));
        await negotiating.SendAsync(request);
        Assert.Empty(await silent.EndAsync(EndLimit));
        Assert.Empty(await half.EndAsync(EndLimit));
        Assert.NotEmpty(await negotiating.EndAsync(EndLimit));
        foreach (string reason in new[] { "it said little or nothing for 1 s", "a Login Request took longer than 1 s", "a login took longer than 1 s" })
            await Eventually.That(() => daemon.Log.Contains($"was too slow: {reason}", StringComparison.Ordinal), what: reason);
    }

    [Fact]
    public Task Login_requests_cut_at_any_byte() => fixture.UnharmedByAsync(
        async () =>
        {
            byte[] request = BadPeer.LoginRequest("iqn.2018-05.local:bad", BadPeersFixture.Target);
            for (int length = 0; length < request.Length; length++)
            {
                using BadPeer peer = await ConnectAsync();
                await peer.SendAsync(request.AsMemory(0, length));
                if (length % 2 == 0) peer.Reset();
            }
            return [];
        },
        told: null);

    [Fact]
    public Task Something_that_is_no_iscsi() => fixture.UnharmedByAsync(
        async () =>
        {
            for (int i = 0; i < 100; i++) await SendUntilClosedAsync("GET / HTTP/1.1\r\nHost: a name that is long enough for a header\r\n\r\n"u8.ToArray());
            return [];
        },
        "was refused with InvalidDuringLogin");

    [Fact]
    public Task A_login_text_without_end() => fixture.UnharmedByAsync(
        async () =>
        {
            byte[] request = new byte[RawPdu.HeaderLength + 8192];
            BadPeer.LoginRequest("iqn.2018-05.local:bad", BadPeersFixture.Target).AsSpan(0, RawPdu.HeaderLength).CopyTo(request);
            request[1] = 0x44;      // C, operational stage
            (request[6], request[7]) = (8192 >> 8, 0);
            request.AsSpan(RawPdu.HeaderLength).Fill((byte)'x');
            BadPeer[] held = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => ConnectAsync()));
            await Task.WhenAll(held.Select(async peer =>
            {
                for (int i = 0; i < 20; i++) await peer.SendAsync(request);
                await peer.EndAsync(EndLimit);
            }));
            return held;
        },
        "was refused with InitiatorError: the text is too long");

    [Fact]
    public Task A_command_before_the_login() => fixture.UnharmedByAsync(
        async () =>
        {
            await SendUntilClosedAsync(new RawPdu(Opcodes.ScsiCommand, 0x80).Header.ToArray());
            return [];
        },
        "was refused with InvalidDuringLogin");

    [Fact]
    public Task One_initiator_port_that_logs_in_again_and_again() => fixture.UnharmedByAsync(
        async () =>
        {
            byte[] request = BadPeer.LoginRequest("iqn.2018-05.local:bad", BadPeersFixture.Target);
            List<BadPeer> held = [];
            for (int i = 0; i < 10; i++)
            {
                BadPeer[] more = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => ConnectAsync()));
                await Task.WhenAll(more.Select(peer => peer.SendAsync(request)));
                held.AddRange(more);
            }
            // All but the last session were ended for another.
            await Eventually.That(async () => (await fixture.Daemon.ListAsync())[BadPeersFixture.Target]!["it_nexuses"]!.Count() <= 2, EndLimit, "one nexus of that port is left");
            return held;
        },
        $"{_from}", mostLines: 12);

    [Fact]
    public Task Logins_of_ever_new_ports_that_do_not_stop() => fixture.UnharmedByAsync(
        async () =>
        {
            LoginFlood flood = new(Portal, _from, peers: 50);
            await Eventually.That(() => flood.Logins > 700, EndLimit, "more logins than may come at once");
            return [flood];
        },
        $"{_from}");

    [Fact]
    public Task Discovery_sessions_that_are_kept() => fixture.UnharmedByAsync(
        async () =>
        {
            BadPeer[] held = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => ConnectAsync()));
            byte[] answer = new byte[RawPdu.HeaderLength];
            await Task.WhenAll(held.Select(async (peer, i) =>
            {
                await peer.SendAsync(BadPeer.DiscoveryRequest($"iqn.2018-05.local:bad-{i}"));
                await peer.ReceiveAsync(answer);
            }));
            return held;
        },
        "made room for others: a discovery session stood longest");

    // In a session

    [Theory]
    [InlineData("a data segment longer than we take", "DataSegmentTooLong")]
    [InlineData("additional headers longer than a CDB can be", "AdditionalHeader")]
    public Task Lengths_that_are_wrong(string which, string told) => fixture.UnharmedByAsync(
        async () =>
        {
            (ScriptedSession session, _) = await LoginAsync();
            byte[] header = new RawPdu(Opcodes.NopOut | Opcodes.Immediate).Header.ToArray();
            if (which.StartsWith("a data", StringComparison.Ordinal)) header.AsSpan(5, 3).Fill(0xFF);
            else header[4] = 0xFF;
            await session.SendBytesAsync(header);
            await session.MustEndAsync();
            return [session];
        },
        $"was cut off by {told}");

    [Fact]
    public Task A_wrong_header_digest() => fixture.UnharmedByAsync(
        async () =>
        {
            (ScriptedSession session, _) = await LoginAsync(new SessionOptions { HeaderDigest = "CRC32C", DataDigest = "CRC32C" });
            await session.SendBytesAsync(new byte[52]);
            await session.MustEndAsync();
            return [session];
        },
        "was cut off by HeaderDigest");

    [Fact]
    public Task Commands_cut_at_any_byte() => fixture.UnharmedByAsync(
        async () =>
        {
            for (int length = 1; length < RawPdu.HeaderLength; length += 3)
            {
                (ScriptedSession session, _) = await LoginAsync();
                await session.SendBytesAsync(new RawPdu(Opcodes.ScsiCommand, 0x81).Header[..length].ToArray());
                session.Dispose();
            }
            return [];
        },
        told: null);

    [Fact]
    public Task A_text_request_without_end() => fixture.UnharmedByAsync(
        async () =>
        {
            (ScriptedSession session, _) = await LoginAsync();
            byte[] text = new byte[32 << 10];
            text.AsSpan().Fill((byte)'x');
            uint tag = session.NewTag(), transferTag = RawPdu.NoTag;
            byte answer;
            do
            {
                await session.SendAsync(new RawPdu(Opcodes.Text | Opcodes.Immediate, 0x40, text) { TaskTag = tag, TransferTag = transferTag });
                RawPdu response = await session.ReceiveAnyAsync() ?? throw new IOException("the target closed the connection");
                (answer, transferTag) = (response.Opcode, response.TransferTag);
            }
            while (answer == Opcodes.TextResponse);
            Assert.Equal(Opcodes.Reject, answer);
            return [session];
        },
        told: null);

    [Fact]
    public Task Data_out_without_end_that_nobody_asked_for() => fixture.UnharmedByAsync(
        async () =>
        {
            (ScriptedSession session, _) = await LoginAsync();
            await session.FloodAsync(() => new RawPdu(Opcodes.DataOut, 0x80, new byte[4096]) { TaskTag = session.NewTag() }, 200_000);
            return [session];
        },
        "was cut off by TooManyRejects");

    [Fact]
    public Task Pings_whose_answers_are_not_read() => fixture.UnharmedByAsync(
        async () =>
        {
            (ScriptedSession session, _) = await LoginAsync();
            await session.FloodAsync(() => new RawPdu(Opcodes.NopOut | Opcodes.Immediate, 0x80, new byte[4096]) { TaskTag = session.NewTag(), TransferTag = RawPdu.NoTag }, 20_000);
            return [session];
        },
        "was cut off by OutputOverflow");

    [Fact]
    public Task Reads_whose_data_are_not_read() => fixture.UnharmedByAsync(
        async () =>
        {
            (ScriptedSession session, string name) = await LoginAsync();
            for (int i = 0; i < 128; i++)
            {
                RawPdu read = new(Opcodes.ScsiCommand, 0xC1) { TaskTag = session.NewTag() };
                read[20] = 512 << 10;
                Cdb.Read16(0, new byte[512 << 10]).Cdb.CopyTo(read.Header[32..]);
                await session.SendAsync(read);
            }
            await NexusEndsAsync(name);
            return [session];
        },
        "left its session: ");

    [Fact]
    public Task Writes_whose_data_never_come() => fixture.UnharmedByAsync(
        async () =>
        {
            List<ScriptedSession> sessions = [];
            for (int s = 0; s < 8; s++)
            {
                (ScriptedSession session, _) = await LoginAsync(new SessionOptions { ImmediateData = false, InitialR2T = true, MaxOutstandingR2T = 8 });
                sessions.Add(session);
                for (int i = 0; i < 64; i++)
                {
                    RawPdu write = new(Opcodes.ScsiCommand, 0xA1) { TaskTag = session.NewTag() };
                    write[20] = 1 << 20;
                    Cdb.Write16(0, new byte[1 << 20]).Cdb.CopyTo(write.Header[32..]);
                    await session.SendAsync(write);
                }
            }
            return sessions;
        },
        told: null);

    [Fact]
    public Task A_session_whose_machine_loses_its_power() => fixture.UnharmedByAsync(
        async () =>
        {
            string name = $"iqn.2018-05.local:gone-{Guid.NewGuid():n}";
            BadPeer peer = await ConnectAsync();
            await peer.SendAsync(BadPeer.LoginRequest(name, BadPeersFixture.Target));
            byte[] answer = new byte[RawPdu.HeaderLength];
            Assert.NotEqual(0, await peer.ReceiveAsync(answer));
            Assert.Equal((Opcodes.LoginResponse, 0), (answer[0], answer[36]));
            peer.Vanish();
            await NexusEndsAsync(name);
            return [peer];
        },
        "left its session: ");

    [Fact]
    public Task An_initiator_that_answers_no_ping_is_kept_and_shown() => fixture.UnharmedByAsync(
        async () =>
        {
            (ScriptedSession session, string name) = await LoginAsync();
            await Eventually.That(
                async () => (await fixture.Daemon.MustAsync("LIST", new { details = true }))[BadPeersFixture.Target]!["unresponsive_nexuses"] is { } nexuses && nexuses.ToString().Contains(name, StringComparison.Ordinal),
                EndLimit, "LIST shows it as unresponsive");
            Assert.Null((await fixture.Daemon.ListAsync())[BadPeersFixture.Target]!["unresponsive_nexuses"]);
            Assert.Equal(ScsiResult.CheckCondition, (await session.TestUnitReadyAsync()).Header[3]);
            return [session];
        },
        told: null);

    private Task<BadPeer> ConnectAsync() => BadPeer.ConnectAsync(Portal, _from);

    private async Task SendUntilClosedAsync(byte[] bytes)
    {
        using BadPeer peer = await ConnectAsync();
        await peer.SendAsync(bytes);
        await peer.EndAsync(EndLimit);
    }

    private async Task<(ScriptedSession Session, string Initiator)> LoginAsync(SessionOptions? options = null)
    {
        string name = $"iqn.2018-05.local:bad-{Guid.NewGuid():n}";
        return (await ScriptedSession.LoginAsync(Portal, (options ?? new SessionOptions()) with { TargetName = BadPeersFixture.Target, InitiatorName = name }, _from), name);
    }

    /// <summary>LIST shows it no more: its target may be cleared, its disk taken.</summary>
    private Task NexusEndsAsync(string initiator) => Eventually.That(
        async () => !(await fixture.Daemon.ListAsync())[BadPeersFixture.Target]!["it_nexuses"]!.ToString().Contains(initiator, StringComparison.Ordinal),
        EndLimit, "the nexus ends");
}

using System.Net.Sockets;
using System.Text;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;

namespace Qcow2Target.EndToEnd.Tests.Refusals;

/// <summary>A login said request by request: a test chooses each field, and looks at each response.</summary>
internal sealed class RawLogin : IDisposable
{
    /// <summary>Flags of a request: T, C, CSG and NSG (RFC 7143 section 11.12).</summary>
    public const byte SecurityToOperational = 0x81, SecurityToFull = 0x83, OperationalToFull = 0x87, Security = 0x00, Operational = 0x04, Continued = 0x40, Transit = 0x80;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private readonly PduStream _stream;
    private readonly List<IDisposable> _kept = [];

    private RawLogin(DaemonProcess daemon, PduStream stream)
    {
        Daemon = daemon;
        _stream = stream;
    }

    public DaemonProcess Daemon { get; }

    public ulong Isid { get; set; } = 0x80_00_00_00_00_00ul | (ulong)Random.Shared.NextInt64(1L << 40);

    public ushort Tsih { get; set; }

    public ushort ConnectionId { get; set; }

    public uint TaskTag { get; set; } = 1;

    public byte VersionMax { get; set; }

    public byte VersionMin { get; set; }

    public string InitiatorName { get; set; } = "iqn.2018-05.local:refused";

    public static async Task<RawLogin> ConnectAsync(DaemonProcess daemon) => new(daemon, await PduStream.ConnectAsync(daemon.Portal));

    /// <summary>The keys by which a login to a target begins.</summary>
    public string Names(string target) => $"InitiatorName={InitiatorName}\0TargetName={target}\0SessionType=Normal\0";

    /// <summary>The Login Response to a request.</summary>
    public async Task<RawPdu> AskAsync(byte flags, string text)
    {
        await _stream.SendAsync(Request(flags, text));
        return await AnswerAsync();
    }

    /// <summary>The Login Response to something else than a well-formed request.</summary>
    public async Task<RawPdu> AskAsync(RawPdu request, Func<byte[], byte[]>? spoil = null)
    {
        byte[] bytes = _stream.Encode(request);
        await _stream.SendBytesAsync(spoil is null ? bytes : spoil(bytes));
        return await AnswerAsync();
    }

    /// <summary>Sends bytes that need not be a request.</summary>
    public Task SendAsync(ReadOnlyMemory<byte> bytes) => _stream.SendBytesAsync(bytes);

    public byte[] Bytes(byte flags, string text) => _stream.Encode(Request(flags, text));

    public RawPdu Request(byte flags, string text)
    {
        RawPdu request = new(Opcodes.Login | Opcodes.Immediate, flags, Encoding.UTF8.GetBytes(text)) { TaskTag = TaskTag, CommandSequence = 1, Lun = (Isid << 16) | Tsih };
        request.Header[2] = VersionMax;
        request.Header[3] = VersionMin;
        request[20] = (uint)ConnectionId << 16;
        return request;
    }

    /// <summary>Waits until the session that this login became answers: the last Login Response may come before that.</summary>
    public async Task PingAsync()
    {
        await _stream.SendAsync(new RawPdu(Opcodes.NopOut | Opcodes.Immediate) { TaskTag = 2, TransferTag = RawPdu.NoTag, CommandSequence = 1 });
        using CancellationTokenSource limit = new(Limit);
        Assert.Equal(Opcodes.NopIn, (await _stream.ReceiveAsync(limit.Token))?.Opcode);
    }

    /// <summary>The target must close the connection and say nothing more. Bytes that it has not read make a reset of that (tcp(7)).</summary>
    public async Task MustEndAsync()
    {
        using CancellationTokenSource limit = new(Limit);
        try
        {
            Assert.Null(await _stream.ReceiveAsync(limit.Token));
        }
        catch (IOException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset })
        {
        }
    }

    /// <summary>Leaves something open as long as this login.</summary>
    public T Keep<T>(T other)
        where T : IDisposable
    {
        _kept.Add(other);
        return other;
    }

    public static string? ValueOf(RawPdu response, string key) =>
        ScriptedSession.KeysOf(response.Data.Span).FirstOrDefault(pair => pair.StartsWith(key + '=', StringComparison.Ordinal))?[(key.Length + 1)..];

    public static int StatusOf(RawPdu response) => response.Header[36] << 8 | response.Header[37];

    public void Dispose()
    {
        _stream.Dispose();
        foreach (IDisposable other in _kept) other.Dispose();
    }

    private async Task<RawPdu> AnswerAsync()
    {
        using CancellationTokenSource limit = new(Limit);
        RawPdu response = await _stream.ReceiveAsync(limit.Token) ?? throw new IOException("the target closed the connection without an answer");
        Assert.Equal(Opcodes.LoginResponse, response.Opcode);
        return response;
    }
}

using System.Net;
using System.Text;

namespace Qcow2Target.EndToEnd.Tests.Initiator;

/// <summary>
/// A logged-in connection on which a test says each PDU itself and looks at each PDU that comes. Only the sequence numbers are kept for
/// it; nothing is answered by itself, not even the target's pings.
/// </summary>
internal sealed class ScriptedSession : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private readonly PduStream _stream;
    private uint _nextTag = 0x500;

    private ScriptedSession(PduStream stream, LoginOutcome login)
    {
        _stream = stream;
        Login = login;
        CommandSequence = login.NextCommandSequence;
        StatusSequence = login.NextStatusSequence;
    }

    public LoginOutcome Login { get; }

    /// <summary>CmdSN of the next PDU.</summary>
    public uint CommandSequence { get; set; }

    /// <summary>StatSN that the next PDU with a status must carry.</summary>
    public uint StatusSequence { get; private set; }

    public static async Task<ScriptedSession> LoginAsync(IPEndPoint portal, SessionOptions options, IPAddress? from = null)
    {
        PduStream stream = await PduStream.ConnectAsync(portal, from);
        try
        {
            return new ScriptedSession(stream, await Initiator.Login.RunAsync(stream, options));
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    public uint NewTag() => _nextTag++;

    /// <summary>Sends a PDU with this session's CmdSN and ExpStatSN; one that is not immediate takes up its CmdSN.</summary>
    /// <param name="pdu">The PDU; a SNACK and a Data-Out have no CmdSN.</param>
    /// <param name="spoil">Changes its bytes before they are sent.</param>
    /// <returns>The bytes that were sent.</returns>
    public async Task<byte[]> SendAsync(RawPdu pdu, Func<byte[], byte[]>? spoil = null)
    {
        if (pdu.Opcode is not (Opcodes.DataOut or Opcodes.Snack))
        {
            pdu.CommandSequence = CommandSequence;
            if (!pdu.IsImmediate && pdu.Opcode <= Opcodes.Logout) CommandSequence++;
        }
        pdu.ExpectedSequence = StatusSequence;
        byte[] bytes = _stream.Encode(pdu);
        if (spoil is not null) bytes = spoil(bytes);
        await _stream.SendBytesAsync(bytes);
        return bytes;
    }

    /// <summary>Sends bytes as they are.</summary>
    public Task SendBytesAsync(ReadOnlyMemory<byte> bytes) => _stream.SendBytesAsync(bytes);

    /// <summary>Sends PDUs and reads nothing, until the target closes the connection.</summary>
    /// <exception cref="IOException">It has taken them all.</exception>
    public async Task FloodAsync(Func<RawPdu> next, int most)
    {
        try
        {
            for (int i = 0; i < most; i++) await SendAsync(next()).WaitAsync(Limit);
        }
        catch (System.Net.Sockets.SocketException)
        {
            return;
        }
        throw new IOException($"the target has taken {most} PDUs");
    }

    /// <summary>The next PDU whatever it is; null at the end of the connection.</summary>
    public async Task<RawPdu?> ReceiveAnyAsync(TimeSpan? limit = null)
    {
        using CancellationTokenSource cancellation = new(limit ?? Limit);
        RawPdu? pdu = await _stream.ReceiveAsync(cancellation.Token);
        if (pdu is not null && CarriesStatus(pdu))
        {
            Assert.Equal(StatusSequence, pdu.StatusSequence);
            StatusSequence++;
        }
        return pdu;
    }

    /// <summary>The next PDU that is no ping of the target; it must have this opcode.</summary>
    public async Task<RawPdu> ReceiveAsync(byte opcode)
    {
        RawPdu pdu;
        do pdu = await ReceiveAnyAsync() ?? throw new IOException("the target closed the connection");
        while (IsPing(pdu));
        Assert.True(pdu.Opcode == opcode, $"expected opcode 0x{opcode:x2}, got {pdu}, third byte 0x{pdu.Header[2]:x2}");
        return pdu;
    }

    /// <summary>The target must close the connection, with nothing but pings before that.</summary>
    public async Task MustEndAsync()
    {
        while (await ReceiveAnyAsync() is { } pdu) Assert.True(IsPing(pdu), $"expected the end of the connection, got {pdu}");
    }

    /// <summary>A Text Request with this text; the tag to look for.</summary>
    public async Task<uint> SendTextAsync(string text, uint transferTag = RawPdu.NoTag, byte opcode = Opcodes.Text)
    {
        RawPdu request = new(opcode, 0x80, Encoding.UTF8.GetBytes(text)) { TaskTag = NewTag(), TransferTag = transferTag };
        await SendAsync(request);
        return request.TaskTag;
    }

    /// <summary>A Text Request and the keys that a response in one PDU answers, in their order.</summary>
    public async Task<string[]> AskAsync(string text)
    {
        uint tag = await SendTextAsync(text);
        RawPdu response = await ReceiveAsync(Opcodes.TextResponse);
        Assert.Equal(tag, response.TaskTag);
        Assert.Equal(0x80, response.Flags);
        Assert.Equal(RawPdu.NoTag, response.TransferTag);
        return KeysOf(response.Data.Span);
    }

    public static string[] KeysOf(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text).Split('\0', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>A WRITE(16) without any data: the target asks for them by R2T.</summary>
    public async Task<(uint Tag, RawPdu R2T)> StartWriteAsync(long lba, int blocks)
    {
        RawPdu command = new(Opcodes.ScsiCommand, 0x80 | 0x20 | 0x01) { TaskTag = NewTag() };
        ScsiCommand write = Cdb.Write16(lba, new byte[blocks * Cdb.BlockLength]);
        command[20] = (uint)write.DataOut.Length;
        write.Cdb.CopyTo(command.Header[32..]);
        await SendAsync(command);
        return (command.TaskTag, await ReceiveAsync(Opcodes.ReadyToTransfer));
    }

    /// <summary>All the data that an R2T asks for, each byte the same.</summary>
    public Task AnswerAsync(RawPdu r2t, uint tag, byte fill)
    {
        byte[] data = new byte[r2t[44]];
        data.AsSpan().Fill(fill);
        RawPdu pdu = new(Opcodes.DataOut, 0x80, data) { TaskTag = tag, TransferTag = r2t.TransferTag };
        pdu[40] = r2t[40];
        return SendAsync(pdu);
    }

    /// <summary>A command without data; its status.</summary>
    public async Task<RawPdu> TestUnitReadyAsync()
    {
        RawPdu command = new(Opcodes.ScsiCommand, 0x81) { TaskTag = NewTag() };
        await SendAsync(command);
        RawPdu response = await ReceiveAsync(Opcodes.ScsiResponse);
        Assert.Equal(command.TaskTag, response.TaskTag);
        return response;
    }

    public static bool IsPing(RawPdu pdu) => pdu is { Opcode: Opcodes.NopIn, TaskTag: RawPdu.NoTag };

    public void Dispose() => _stream.Dispose();

    private static bool CarriesStatus(RawPdu pdu) =>
        pdu.Opcode != Opcodes.ReadyToTransfer && !IsPing(pdu) && (pdu.Opcode != Opcodes.DataIn || (pdu.Flags & 0x01) != 0);
}

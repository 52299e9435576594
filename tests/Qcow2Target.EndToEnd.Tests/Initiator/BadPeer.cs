using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Qcow2Target.EndToEnd.Tests.Initiator;

/// <summary>A bare TCP connection from an address of its own, for what no initiator would send.</summary>
internal sealed class BadPeer : IDisposable
{
    private const int SolSocket = 1, SoAttachFilter = 26;
    private readonly Socket _socket;

    private BadPeer(Socket socket) => _socket = socket;

    public static async Task<BadPeer> ConnectAsync(IPEndPoint portal, IPAddress from)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Bind(new IPEndPoint(from, 0));
            await socket.ConnectAsync(portal);
            return new BadPeer(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The bytes of a whole login in one request, from the operational stage to the full feature phase.</summary>
    public static byte[] LoginRequest(string initiator, string target) =>
        LoginRequest($"InitiatorName={initiator}\0TargetName={target}\0SessionType=Normal\0HeaderDigest=None\0DataDigest=None\0");

    /// <inheritdoc cref="LoginRequest(string, string)"/>
    public static byte[] DiscoveryRequest(string initiator) => LoginRequest($"InitiatorName={initiator}\0SessionType=Discovery\0HeaderDigest=None\0DataDigest=None\0");

    private static byte[] LoginRequest(string keys)
    {
        byte[] text = Encoding.UTF8.GetBytes(keys);
        byte[] bytes = new byte[RawPdu.HeaderLength + (text.Length + 3) / 4 * 4];
        RawPdu header = new(Opcodes.Login | Opcodes.Immediate, 0x87) { Lun = 0x80_00_00_00_00_07ul << 16, TaskTag = 1, CommandSequence = 1 };
        header.Header.CopyTo(bytes);
        bytes[6] = (byte)(text.Length >> 8);
        bytes[7] = (byte)text.Length;
        text.CopyTo(bytes, RawPdu.HeaderLength);
        return bytes;
    }

    /// <summary>Sends what the target still takes.</summary>
    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            while (bytes.Length > 0) bytes = bytes[await _socket.SendAsync(bytes)..];
        }
        catch (SocketException)
        {
            // The target has closed the connection: what we wanted to see.
        }
    }

    /// <summary>Reads until the target closes the connection.</summary>
    public async Task<byte[]> EndAsync(TimeSpan limit)
    {
        using CancellationTokenSource cancellation = new(limit);
        MemoryStream all = new();
        byte[] buffer = new byte[4096];
        try
        {
            for (int got; (got = await _socket.ReceiveAsync(buffer, SocketFlags.None, cancellation.Token)) > 0;) all.Write(buffer, 0, got);
        }
        catch (SocketException)
        {
            // A reset is an end as well.
        }
        return all.ToArray();
    }

    public async Task<int> ReceiveAsync(byte[] buffer) => await _socket.ReceiveAsync(buffer);

    /// <summary>From now on every packet for this connection is dropped before TCP sees it, as if the machine had lost its power.</summary>
    public void Vanish()
    {
        unsafe
        {
            // struct sock_filter: BPF_RET | BPF_K, 0 bytes of the packet.
            ulong drop = 6;
            Span<byte> program = stackalloc byte[16];
            program.Clear();
            MemoryMarshal.Write(program, (ushort)1);
            MemoryMarshal.Write(program[8..], (nint)(&drop));
            _socket.SetRawSocketOption(SolSocket, SoAttachFilter, program);
        }
    }

    public void Reset()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Dispose();
    }

    public void Dispose() => _socket.Dispose();
}

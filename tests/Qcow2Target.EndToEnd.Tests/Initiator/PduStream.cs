using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Numerics;

namespace Qcow2Target.EndToEnd.Tests.Initiator;

/// <summary>PDUs over one TCP connection, with the digests that were negotiated.</summary>
internal sealed class PduStream : IDisposable
{
    private readonly Socket _socket;
    private readonly BufferedStream _input;
    private readonly byte[] _digest = new byte[4];

    private PduStream(Socket socket)
    {
        _socket = socket;
        _input = new BufferedStream(new NetworkStream(socket), 256 * 1024);
    }

    /// <summary>CRC32C after each header from now on.</summary>
    public bool HeaderDigest { get; set; }

    /// <summary>CRC32C after each data segment from now on.</summary>
    public bool DataDigest { get; set; }

    /// <param name="portal">Where to.</param>
    /// <param name="from">The local address; null: the kernel's choice.</param>
    public static async Task<PduStream> ConnectAsync(IPEndPoint portal, IPAddress? from = null)
    {
        Socket socket = new(portal.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (from is not null) socket.Bind(new IPEndPoint(from, 0));
        await socket.ConnectAsync(portal);
        return new PduStream(socket);
    }

    /// <summary>Sends bytes as they are, for tests that break the framing.</summary>
    public async Task SendBytesAsync(ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0) bytes = bytes[await _socket.SendAsync(bytes)..];
    }

    public Task SendAsync(RawPdu pdu) => SendBytesAsync(Encode(pdu));

    /// <summary>The PDU's bytes on this connection: data length filled in, padding and digests added.</summary>
    public byte[] Encode(RawPdu pdu)
    {
        int length = pdu.Data.Length, padded = Padded(length);
        int dataAt = RawPdu.HeaderLength + (HeaderDigest ? 4 : 0);
        byte[] bytes = new byte[dataAt + padded + (DataDigest && length > 0 ? 4 : 0)];
        pdu.Header.CopyTo(bytes);
        bytes[5] = (byte)(length >> 16);
        bytes[6] = (byte)(length >> 8);
        bytes[7] = (byte)length;
        if (HeaderDigest) BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(RawPdu.HeaderLength), Crc32C(bytes.AsSpan(0, RawPdu.HeaderLength)));
        pdu.Data.Span.CopyTo(bytes.AsSpan(dataAt));
        if (DataDigest && length > 0) BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(dataAt + padded), Crc32C(bytes.AsSpan(dataAt, padded)));
        return bytes;
    }

    /// <summary>The next PDU, or null where the target has closed the connection.</summary>
    public async Task<RawPdu?> ReceiveAsync(CancellationToken cancellation = default)
    {
        byte[] header = new byte[RawPdu.HeaderLength];
        int first = await _input.ReadAsync(header.AsMemory(0, 1), cancellation);
        if (first == 0) return null;
        await _input.ReadExactlyAsync(header.AsMemory(1), cancellation);
        if (header[4] != 0) throw new IOException("the target sent an additional header segment that nobody asked for");
        if (HeaderDigest) await CheckDigestAsync("header", header, cancellation);
        int length = header[5] << 16 | header[6] << 8 | header[7];
        if (length == 0) return new RawPdu(header, default);
        byte[] data = new byte[Padded(length)];
        await _input.ReadExactlyAsync(data, cancellation);
        if (DataDigest) await CheckDigestAsync("data", data, cancellation);
        return new RawPdu(header, data.AsMemory(0, length));
    }

    public void Dispose()
    {
        _input.Dispose();
        _socket.Dispose();
    }

    private static int Padded(int length) => (length + 3) & ~3;

    private async Task CheckDigestAsync(string of, byte[] bytes, CancellationToken cancellation)
    {
        await _input.ReadExactlyAsync(_digest, cancellation);
        uint sent = BinaryPrimitives.ReadUInt32LittleEndian(_digest), due = Crc32C(bytes);
        if (sent != due) throw new IOException($"{of} digest is 0x{sent:x8}, the bytes give 0x{due:x8}");
    }

    private static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        uint crc = 0xFFFFFFFF;
        for (; bytes.Length >= 8; bytes = bytes[8..]) crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (byte b in bytes) crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }
}

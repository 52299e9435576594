using System.Net;
using System.Net.Sockets;
using Qcow2Target.Iscsi;
using Qcow2Target.Iscsi.Framing;
using Qcow2Target.Iscsi.Pdus;

namespace Qcow2Target.Testing;

/// <summary>
/// A TCP connection that speaks PDUs, built from the production scanner and writer. Nothing is kept in step here: what is to be sent is given field by field.
/// Sends may overlap; one receive at a time.
/// </summary>
public sealed class ScriptedInitiatorConnection : IAsyncDisposable
{
    /// <summary>How long a receive waits unless told otherwise.</summary>
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(20);

    private const int MaxSegmentBytes = 16 << 20;

    private readonly Socket _socket;
    private readonly SemaphoreSlim _sending = new(1, 1);
    private PduScanner _scanner = new(DigestUse.None, MaxSegmentBytes, IscsiLimits.MaxAdditionalHeaderBytes);
    private byte[] _input = new byte[64 << 10];
    private int _inputLength;

    private ScriptedInitiatorConnection(Socket socket) => _socket = socket;

    public DigestUse Digests { get; private set; }

    public EndPoint LocalEndPoint => _socket.LocalEndPoint!;

    public static async Task<ScriptedInitiatorConnection> ConnectAsync(EndPoint target, TimeSpan? limit = null)
    {
        var socket = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var timeout = new CancellationTokenSource(limit ?? DefaultLimit);
        try
        {
            await socket.ConnectAsync(target, timeout.Token);
            return new ScriptedInitiatorConnection(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Digests count from the next PDU in both directions.</summary>
    public void UseDigests(DigestUse digests)
    {
        Digests = digests;
        _scanner = new PduScanner(digests, MaxSegmentBytes, IscsiLimits.MaxAdditionalHeaderBytes);
    }

    /// <summary>Sends any bytes as they are.</summary>
    public async Task SendBytesAsync(ReadOnlyMemory<byte> bytes)
    {
        await _sending.WaitAsync();
        try
        {
            for (var sent = 0; sent < bytes.Length;) sent += await _socket.SendAsync(bytes[sent..]);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>Sends one PDU, whole and in one go.</summary>
    public Task SendAsync<TPdu>(TPdu pdu, ReadOnlyMemory<byte> data = default, ReadOnlyMemory<byte> additionalHeader = default)
        where TPdu : struct, IPdu<TPdu>
        => SendBytesAsync(Bytes(pdu, data.Span, additionalHeader.Span));

    /// <summary>The bytes of a PDU on this connection, for who wants to spoil them before they are sent.</summary>
    public byte[] Bytes<TPdu>(in TPdu pdu, ReadOnlySpan<byte> data = default, ReadOnlySpan<byte> additionalHeader = default)
        where TPdu : struct, IPdu<TPdu>
    {
        var bytes = new byte[Digests.PduBytes(data.Length, additionalHeader.Length)];
        PduWriter.Write(pdu, data, bytes, Digests, additionalHeader);
        return bytes;
    }

    /// <summary>The next PDU, or null where the target has closed the connection.</summary>
    /// <exception cref="TimeoutException">None came within the limit.</exception>
    /// <exception cref="InvalidDataException">The target sent what is no PDU.</exception>
    public async Task<ScriptedInitiatorPdu?> TryReceiveAsync(TimeSpan? limit = null)
    {
        using var timeout = new CancellationTokenSource(limit ?? DefaultLimit);
        try
        {
            while (true)
            {
                if (TakePdu() is { } pdu) return pdu;
                if (_inputLength == _input.Length) Array.Resize(ref _input, _input.Length * 2);
                var count = await _socket.ReceiveAsync(_input.AsMemory(_inputLength), timeout.Token);
                if (count == 0) return _inputLength == 0 ? null : throw new InvalidDataException($"The target closed {_inputLength} bytes into a PDU.");
                _inputLength += count;
            }
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"The target sent nothing for {limit ?? DefaultLimit}.");
        }
        catch (SocketException reset) when (reset.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            return null;
        }
    }

    /// <summary>The next PDU. A closed connection is an error.</summary>
    public async Task<ScriptedInitiatorPdu> ReceiveAsync(TimeSpan? limit = null)
        => await TryReceiveAsync(limit) ?? throw new IOException("The target closed the connection.");

    /// <summary>Ends the sending side; the target may still answer.</summary>
    public void Shutdown() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>Vanishes with a reset, as a machine whose power was cut and whose cable is seen by somebody else.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Dispose();
    }

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        _sending.Dispose();
        return ValueTask.CompletedTask;
    }

    private ScriptedInitiatorPdu? TakePdu()
    {
        var state = _scanner.Scan(_input.AsSpan(0, _inputLength), out var frame);
        if (state == ScanState.Broken) throw new InvalidDataException($"The target's stream is broken: {_scanner.Fault} {_scanner.FaultValue}.");
        if (state == ScanState.NeedMore) return null;
        var pdu = new ScriptedInitiatorPdu(frame.Header.ToArray(), frame.Data.ToArray(), frame.DataDigestHolds);
        _inputLength -= frame.Length;
        _input.AsSpan(frame.Length, _inputLength).CopyTo(_input);
        return pdu;
    }
}

using System.Net.Sockets;
using System.Text;
using Qcow2Target.Control.Framing;
using Qcow2Target.Control.Replies;
using Qcow2Target.Control.Requests;

namespace Qcow2Target.Control.Client;

/// <summary>
/// One connection to the daemon's control socket: send a request, get its reply, as often as wanted. Not thread-safe; after an exception
/// only good for <see cref="Dispose"/>, since a late reply would be taken for the next one.
/// </summary>
public sealed class ControlClient : IDisposable
{
    /// <summary>Where the daemon listens unless it was told otherwise.</summary>
    public const string DefaultSocketPath = "/tmp/qcow2target.sock";

    /// <summary>Longer than the daemon's own deadline (30 s without progress), since a flush that advances does not miss that.</summary>
    public static readonly TimeSpan DefaultTimeLimit = TimeSpan.FromMinutes(5);

    private readonly Socket _socket;
    private readonly string _path;
    private readonly TimeSpan _timeLimit;
    private readonly JsonLineReader _lines = new(ControlLimits.MaxReplyBytes);

    private ControlClient(Socket socket, string path, TimeSpan timeLimit) => (_socket, _path, _timeLimit) = (socket, path, timeLimit);

    /// <summary>Connects to the socket at <paramref name="path"/>.</summary>
    /// <param name="path">Path of the Unix socket.</param>
    /// <param name="timeLimit">Time for connecting, and again for each exchange.</param>
    /// <param name="cancellationToken">Ends the attempt early.</param>
    /// <exception cref="ControlClientException">Nobody can be reached there; the message says what was found.</exception>
    public static async Task<ControlClient> ConnectAsync(string path, TimeSpan timeLimit, CancellationToken cancellationToken = default)
    {
        UnixDomainSocketEndPoint endPoint = EndPointOf(path);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeLimit);
        try
        {
            await socket.ConnectAsync(endPoint, limit.Token).ConfigureAwait(false);
            return new ControlClient(socket, path, timeLimit);
        }
        catch (SocketException fault)
        {
            socket.Dispose();
            throw Explain(path, fault);
        }
        catch (OperationCanceledException fault)
        {
            socket.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            throw TimedOut(path, timeLimit, fault);
        }
    }

    /// <summary>Sends <paramref name="request"/> and waits for its reply.</summary>
    /// <exception cref="ControlClientException">There was none in time, or none that can be read.</exception>
    public async Task<ControlExchange> SendAsync(ControlRequest request, CancellationToken cancellationToken = default)
    {
        byte[] line = await SendLineAsync(RequestCodec.Encode(request), cancellationToken).ConfigureAwait(false);
        ControlReply reply = ReplyReader.Read(request, line);
        return new ControlExchange(Encoding.UTF8.GetString(line), reply);
    }

    /// <summary>Sends bytes as they are, and waits for one line: the reply without its line end.</summary>
    internal async Task<byte[]> SendLineAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_timeLimit);
        try
        {
            await SendAllAsync(bytes, limit.Token).ConfigureAwait(false);
            return await ReceiveLineAsync(limit.Token).ConfigureAwait(false);
        }
        catch (SocketException fault) when (fault.SocketErrorCode is SocketError.ConnectionReset)
        {
            throw ClosedEarly(_path, fault);
        }
        catch (SocketException fault)
        {
            throw new ControlClientException(ControlClientError.Io, $"The connection to {_path} failed: {fault.Message}", fault);
        }
        catch (OperationCanceledException fault)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw TimedOut(_path, _timeLimit, fault);
        }
    }

    public void Dispose() => _socket.Dispose();

    private async Task SendAllAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            while (!bytes.IsEmpty)
                bytes = bytes[await _socket.SendAsync(bytes, cancellationToken).ConfigureAwait(false)..];
        }
        catch (SocketException fault) when (fault.SocketErrorCode is SocketError.Shutdown or SocketError.ConnectionReset)
        {
            // A daemon that refuses what we send may close while we do; its reply says why.
        }
    }

    private async Task<byte[]> ReceiveLineAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            switch (_lines.Read(out ReadOnlySpan<byte> line))
            {
                case LineOutcome.Line:
                    return line.ToArray();
                case LineOutcome.NeedMore:
                    break;
                case LineOutcome.TooLong:
                    throw new ControlClientException(
                        ControlClientError.MalformedReply, $"The reply is longer than {ControlLimits.MaxReplyBytes} bytes");
                default:
                    throw ClosedEarly(_path);
            }

            int received = await _socket.ReceiveAsync(_lines.GetBuffer(), cancellationToken).ConfigureAwait(false);
            if (received == 0)
                _lines.EndOfInput();
            _lines.Advance(received);
        }
    }

    private static UnixDomainSocketEndPoint EndPointOf(string path)
    {
        try
        {
            return new UnixDomainSocketEndPoint(path);
        }
        catch (ArgumentException fault)
        {
            throw new ControlClientException(
                ControlClientError.InvalidPath, $"'{path}' cannot be the path of a socket: it is empty or longer than a socket's path may be", fault);
        }
    }

    private static ControlClientException Explain(string path, SocketException fault) => fault.SocketErrorCode switch
    {
        SocketError.AccessDenied => new ControlClientException(
            ControlClientError.AccessDenied, $"No permission to use {path}: it belongs to the daemon's user and group", fault),
        _ when !Path.Exists(path) => new ControlClientException(ControlClientError.NoSocket, $"There is no socket {path}", fault),
        SocketError.ConnectionRefused => new ControlClientException(
            ControlClientError.NobodyListens, $"Nobody listens on {path}: the daemon is not running", fault),
        _ => new ControlClientException(ControlClientError.Io, $"Cannot connect to {path}: {fault.Message}", fault),
    };

    private static ControlClientException ClosedEarly(string path, Exception? fault = null) => new(
        ControlClientError.ClosedEarly, $"The daemon closed the connection on {path} before it replied; its log tells why", fault);

    private static ControlClientException TimedOut(string path, TimeSpan timeLimit, Exception fault) => new(
        ControlClientError.TimedOut, $"No reply on {path} within {timeLimit.TotalSeconds:0.#} s; the request may still be carried out", fault);
}

using System.Net.Sockets;
using System.Text;
using Newtonsoft.Json.Linq;

namespace Qcow2Target.EndToEnd.Tests.Harness;

/// <summary>
/// A client of the control socket that knows only lines: what it sends and what it gets are bytes that a test spells out, so that the
/// contract is not checked by the code that implements it.
/// </summary>
internal sealed class ControlConnection : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly byte[] _buffer = new byte[65536];
    private readonly MemoryStream _line = new();
    private int _start, _end;

    public static async Task<ControlConnection> OpenAsync(DaemonProcess daemon)
    {
        ControlConnection connection = new();
        await connection._socket.ConnectAsync(new UnixDomainSocketEndPoint(daemon.ControlSocket));
        return connection;
    }

    /// <summary>Sends one line and returns the line that answers it, or null where the daemon closed the connection.</summary>
    public async Task<string?> SendAsync(string line)
    {
        await SendBytesAsync(Encoding.UTF8.GetBytes(line + "\n"));
        return await ReceiveAsync();
    }

    /// <summary>Sends a request made of its parts; the reply must be a JSON object.</summary>
    public async Task<JObject> RequestAsync(string type, object? command = null)
    {
        JObject request = new() { ["type"] = type };
        if (command is not null) request["command"] = JObject.FromObject(command);
        string reply = await SendAsync(request.ToString(Newtonsoft.Json.Formatting.None)) ?? throw new IOException("the daemon closed the control connection");
        return JObject.Parse(reply);
    }

    /// <summary>As <see cref="RequestAsync"/>, for a request that must succeed; its result.</summary>
    public async Task<JToken> MustAsync(string type, object? command = null)
    {
        JObject reply = await RequestAsync(type, command);
        return reply.Value<string>("error") is "" ? reply["result"] ?? JValue.CreateNull() : throw new InvalidOperationException($"{type} failed: {reply}");
    }

    public async Task SendBytesAsync(ReadOnlyMemory<byte> bytes)
    {
        using CancellationTokenSource limit = new(Limit);
        while (bytes.Length > 0) bytes = bytes[await _socket.SendAsync(bytes, SocketFlags.None, limit.Token)..];
    }

    /// <summary>The next line without its end, or null at the end of the stream.</summary>
    public async Task<string?> ReceiveAsync()
    {
        using CancellationTokenSource limit = new(Limit);
        while (true)
        {
            int newline = Array.IndexOf(_buffer, (byte)'\n', _start, _end - _start);
            int stop = newline < 0 ? _end : newline;
            _line.Write(_buffer, _start, stop - _start);
            if (newline >= 0)
            {
                _start = newline + 1;
                string line = Encoding.UTF8.GetString(_line.GetBuffer(), 0, (int)_line.Length);
                _line.SetLength(0);
                return line;
            }
            _start = 0;
            _end = await _socket.ReceiveAsync(_buffer, SocketFlags.None, limit.Token);
            if (_end > 0) continue;
            return _line.Length == 0 ? null : throw new IOException("the daemon closed the connection within a line");
        }
    }

    public void EndSending() => _socket.Shutdown(SocketShutdown.Send);

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        _line.Dispose();
        return ValueTask.CompletedTask;
    }
}

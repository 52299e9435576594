using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;

namespace Qcow2Target.Testing;

/// <summary>
/// A stand-in for the daemon's control socket, in a temporary directory of its own: answers each line by a function. It splits lines
/// itself, so that it is no echo of the code under test.
/// </summary>
public sealed class FakeControlServer : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentQueue<string> _received = new();
    private readonly Func<string, string?> _answer;
    private readonly Task _accepting;

    /// <param name="answer">From a request's line to the bytes of the reply (with its line feed), or null: close without one.</param>
    public FakeControlServer(Func<string, string?> answer)
    {
        _answer = answer;
        SocketPath = _directory["control.sock"];
        _listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        _listener.Listen();
        _accepting = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public string SocketPath { get; }

    /// <summary>The request lines so far, in order.</summary>
    public IReadOnlyCollection<string> Received => _received;

    /// <summary>A server that gives the same reply, without its line feed, to every line.</summary>
    public static FakeControlServer Replying(string reply) => new(_ => reply + "\n");

    /// <summary>A server that takes lines and never answers.</summary>
    public static FakeControlServer Silent() => new(_ => "");

    public void Dispose()
    {
        _end.Cancel();
        _listener.Dispose();
        _accepting.GetAwaiter().GetResult();
        _directory.Dispose();
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        var clients = new List<Task>();
        try
        {
            while (true)
                clients.Add(ServeAsync(await _listener.AcceptAsync(_end.Token)));
        }
        catch (Exception stopped) when (stopped is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(clients);
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using (client)
        {
            var line = new List<byte>();
            var piece = new byte[4096];
            try
            {
                int count;
                while ((count = await client.ReceiveAsync(piece, _end.Token)) > 0)
                {
                    foreach (byte value in piece.AsSpan(0, count).ToArray())
                    {
                        if (value != '\n')
                        {
                            line.Add(value);
                            continue;
                        }

                        string text = Encoding.UTF8.GetString([.. line]);
                        line.Clear();
                        _received.Enqueue(text);
                        if (_answer(text) is not { } answer)
                            return;
                        await client.SendAsync(Encoding.UTF8.GetBytes(answer), _end.Token);
                    }
                }
            }
            catch (Exception gone) when (gone is OperationCanceledException or SocketException)
            {
                // The test is over, or its client left: both are fine.
            }
        }
    }
}

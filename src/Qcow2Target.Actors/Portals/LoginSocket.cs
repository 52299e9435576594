using System.Net;
using System.Net.Sockets;
using Qcow2Target.Actors.Sessions;

namespace Qcow2Target.Actors.Portals;

/// <summary>
/// The socket of a connection that has no session yet: received and sent by one operation at a time, waits by a
/// <see cref="SocketPoller"/>. Not by the runtime's asynchronous sockets, see <see cref="SocketCalls"/>.
/// </summary>
internal sealed class LoginSocket(Socket socket, SocketPoller poller) : IDisposable
{
    private readonly Lock _lock = new();
    private bool _isWaiting;
    private bool _isClosed;

    public IPEndPoint Peer { get; } = (IPEndPoint)socket.RemoteEndPoint!;

    public IPEndPoint Local { get; } = (IPEndPoint)socket.LocalEndPoint!;

    /// <returns>Bytes received; 0 at the end of the stream.</returns>
    /// <exception cref="SocketException">The connection is broken.</exception>
    /// <exception cref="ObjectDisposedException">It was closed meanwhile.</exception>
    public async Task<int> ReceiveAsync(Memory<byte> buffer)
    {
        int received;
        while ((received = SocketCalls.Receive(socket.SafeHandle, buffer.Span)) == SocketCalls.WouldBlock)
            await WaitAsync(poller.Readable).ConfigureAwait(false);
        return received;
    }

    /// <summary>Sends all of it.</summary>
    /// <inheritdoc cref="ReceiveAsync" path="/exception"/>
    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var sent = SocketCalls.Send(socket.SafeHandle, bytes.Span);
            if (sent == SocketCalls.WouldBlock)
                await WaitAsync(poller.Writable).ConfigureAwait(false);
            else
                bytes = bytes[sent..];
        }
    }

    /// <summary>The socket, for who goes on with it and closes it: <see cref="Dispose"/> does so no more. No operation may be running.</summary>
    public Socket Release()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            _isClosed = true;
            poller.Forget(socket);
            return socket;
        }
    }

    /// <summary>Closes the connection. The descriptor goes when nobody waits for it any more, so that its number names nothing else meanwhile.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_isClosed)
                return;
            _isClosed = true;
            if (!_isWaiting)
            {
                socket.Dispose();
                return;
            }
            try
            {
                socket.Shutdown(SocketShutdown.Both);   // ends the wait
            }
            catch (SocketException)
            {
                // Broken already: the wait has ended or is about to.
            }
        }
    }

    private async Task WaitAsync(Func<Socket, Task> ready)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            _isWaiting = true;
        }
        try
        {
            await ready(socket).ConfigureAwait(false);
        }
        finally
        {
            lock (_lock)
            {
                _isWaiting = false;
                if (_isClosed)
                    socket.Dispose();
            }
        }
        ObjectDisposedException.ThrowIf(_isClosed, this);
    }
}

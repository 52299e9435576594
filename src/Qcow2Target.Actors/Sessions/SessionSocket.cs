using System.Net.Sockets;
using System.Runtime.InteropServices;
using Qcow2Target.Interop;

namespace Qcow2Target.Actors.Sessions;

/// <summary>What a wait ended with.</summary>
[Flags]
internal enum SocketReady
{
    /// <summary>The time is over.</summary>
    Nothing = 0,

    /// <summary>Somebody called <see cref="SessionSocket.Wake"/>.</summary>
    Woken = 1,

    /// <summary>Bytes, the end of the stream or an error can be received.</summary>
    Readable = 2,

    /// <summary>Bytes can be sent.</summary>
    Writable = 4,

    /// <summary>The connection is broken, although nothing was asked of it.</summary>
    Broken = 8,
}

/// <summary>
/// A connected socket by direct calls that never block, and a way to wake the thread that waits for it. Receive and wait belong to one
/// thread, send to whoever holds the sender's lock, wake to anybody.
/// </summary>
internal sealed unsafe class SessionSocket(Socket socket) : IDisposable
{
    private readonly SafeHandle _handle = socket.SafeHandle;
    private readonly WakeUp _wakeUp = new();

    /// <inheritdoc cref="SocketCalls.Receive"/>
    public int Receive(Span<byte> buffer) => SocketCalls.Receive(_handle, buffer);

    /// <inheritdoc cref="SocketCalls.Send"/>
    public int Send(ReadOnlySpan<byte> bytes) => SocketCalls.Send(_handle, bytes);

    /// <summary>Sleeps until one of the wanted things is there, somebody wakes, or the time is over (-1: never).</summary>
    /// <param name="wanted">Readable, Writable, both or neither.</param>
    /// <param name="timeoutMilliseconds">Longest sleep.</param>
    public SocketReady Wait(SocketReady wanted, int timeoutMilliseconds)
    {
        var events = 0;
        if ((wanted & SocketReady.Readable) != 0)
            events |= Libc.POLLIN;
        if ((wanted & SocketReady.Writable) != 0)
            events |= Libc.POLLOUT;
        var descriptors = stackalloc PollDescriptor[2];
        descriptors[0] = new PollDescriptor { Descriptor = (int)_handle.DangerousGetHandle(), Events = (short)events };
        descriptors[1] = new PollDescriptor { Descriptor = (int)_wakeUp.Handle.DangerousGetHandle(), Events = Libc.POLLIN };
        if (Libc.Poll(descriptors, 2, timeoutMilliseconds) <= 0)
            return SocketReady.Nothing;

        var ready = SocketReady.Nothing;
        if (descriptors[1].Returned != 0)
        {
            _wakeUp.Clear();
            ready |= SocketReady.Woken;
        }
        if ((descriptors[0].Returned & Libc.POLLIN) != 0)
            ready |= SocketReady.Readable;
        if ((descriptors[0].Returned & Libc.POLLOUT) != 0)
            ready |= SocketReady.Writable;
        if ((descriptors[0].Returned & ~(Libc.POLLIN | Libc.POLLOUT)) != 0)
            ready |= SocketReady.Broken;
        return ready;
    }

    public void Wake() => _wakeUp.Signal();

    public void Dispose()
    {
        socket.Dispose();
        _wakeUp.Dispose();
    }
}

using System.Net.Sockets;
using System.Runtime.InteropServices;
using Qcow2Target.Interop;

namespace Qcow2Target.Actors.Sessions;

/// <summary>
/// Receive and send by direct calls that never block. A socket that was used asynchronously once would stay with the runtime's poller
/// thread, which then wakes for every byte that anybody receives from it.
/// </summary>
internal static unsafe class SocketCalls
{
    /// <summary>Nothing can be received or sent now.</summary>
    public const int WouldBlock = -1;

    /// <returns>Bytes received; 0 at the end of the stream; <see cref="WouldBlock"/>.</returns>
    /// <exception cref="SocketException">The connection is broken.</exception>
    public static int Receive(SafeHandle socket, Span<byte> buffer)
    {
        fixed (byte* place = buffer)
            return Outcome(Libc.Recv(socket, place, (nuint)buffer.Length, Libc.MSG_DONTWAIT));
    }

    /// <returns>Bytes sent, or <see cref="WouldBlock"/>.</returns>
    /// <exception cref="SocketException">The connection is broken.</exception>
    public static int Send(SafeHandle socket, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* place = bytes)
            return Outcome(Libc.Send(socket, place, (nuint)bytes.Length, Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL));
    }

    private static int Outcome(nint result)
    {
        if (result >= 0)
            return (int)result;
        var error = Marshal.GetLastPInvokeError();
        return error is Libc.EAGAIN or Libc.EINTR ? WouldBlock : throw new SocketException(error);
    }
}

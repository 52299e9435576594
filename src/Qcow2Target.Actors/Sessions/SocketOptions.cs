using System.Net.Sockets;

namespace Qcow2Target.Actors.Sessions;

/// <summary>What is set on every accepted connection.</summary>
internal static class SocketOptions
{
    private const int IpProtoTcp = 6;
    private const int TcpUserTimeout = 18;

    /// <summary>No delay of small PDUs; a peer whose TCP stack acknowledges nothing for <paramref name="userTimeout"/> is dead.</summary>
    /// <exception cref="SocketException">The connection is gone already.</exception>
    public static void Prepare(Socket socket, TimeSpan userTimeout)
    {
        socket.NoDelay = true;
        Span<byte> milliseconds = stackalloc byte[sizeof(int)];
        BitConverter.TryWriteBytes(milliseconds, (int)userTimeout.TotalMilliseconds);
        socket.SetRawSocketOption(IpProtoTcp, TcpUserTimeout, milliseconds);
    }
}

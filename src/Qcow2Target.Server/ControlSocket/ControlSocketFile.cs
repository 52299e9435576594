using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;
using Qcow2Target.Interop;

namespace Qcow2Target.Server.ControlSocket;

/// <summary>The control socket cannot be had: says why and what to do.</summary>
internal sealed class ControlSocketException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The control socket's place in the file system. It is made beside its place and renamed into it, so that it appears with its mode and
/// already listening; a stale one is replaced, one that a living daemon answers on is not, and neither is anything that is no socket.
/// </summary>
internal static class ControlSocketFile
{
    private const int Backlog = 128;
    private const UnixFileMode Mode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    /// <exception cref="ControlSocketException">The place is taken or cannot be written.</exception>
    public static Socket Listen(string path)
    {
        RefuseIfTaken(path);
        var fresh = path + ".new";
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            File.Delete(fresh);
            socket.Bind(new UnixDomainSocketEndPoint(fresh));
            File.SetUnixFileMode(fresh, Mode);
            socket.Listen(Backlog);
            File.Move(fresh, path, overwrite: true);
            return socket;
        }
        catch (Exception e) when (e is SocketException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            socket.Dispose();
            throw new ControlSocketException($"cannot make the control socket {path}: {e.Message}", e);
        }
    }

    public static void Remove(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A stale socket is replaced at the next start.
        }
    }

    private static void RefuseIfTaken(string path)
    {
        if (!File.Exists(path) && !Directory.Exists(path))
            return;
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused && IsSocket(path))
        {
            return;   // stale: nobody listens
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            throw new ControlSocketException($"{path} is there and is no socket: move it away or choose another --control-socket", e);
        }
        catch (SocketException e)
        {
            throw new ControlSocketException($"{path} is there and cannot be examined: {e.Message}", e);
        }
        throw new ControlSocketException($"a daemon answers on {path} already: stop it or choose another --control-socket");
    }

    private static bool IsSocket(string path)
    {
        var descriptor = Libc.Open(path, Libc.O_PATH | Libc.O_CLOEXEC);
        if (descriptor < 0)
            return false;
        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        return Libc.Statx(handle, "", Libc.AT_EMPTY_PATH, Libc.STATX_BASIC_STATS, out var status) == 0
            && (status.Mode & Libc.IFMT) == Libc.IFSOCK;
    }
}

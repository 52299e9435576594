using System.Collections.Concurrent;
using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Qcow2Target.Actors.Sessions;
using Qcow2Target.Interop;

namespace Qcow2Target.Actors.Portals;

/// <summary>
/// One thread that waits for the sockets of all logins at once, by epoll(7): what a wait costs does not depend on how many others wait. Safe to call from
/// several threads.
/// </summary>
internal sealed unsafe class SocketPoller : IDisposable
{
    private const int EventsAtOnce = 64;
    private const long WakeUpNumber = 0;

    private readonly ConcurrentDictionary<long, TaskCompletionSource> _waits = new();
    private readonly SafeFileHandle _poll;
    private readonly WakeUp _wakeUp = new();
    private readonly Thread _thread;
    private long _lastNumber = WakeUpNumber;
    private volatile bool _ended;

    public SocketPoller()
    {
        var descriptor = Libc.EpollCreate(Libc.EPOLL_CLOEXEC);
        if (descriptor < 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        _poll = new SafeFileHandle(descriptor, ownsHandle: true);
        if (Control(Libc.EPOLL_CTL_ADD, _wakeUp.Handle, Libc.EPOLLIN, WakeUpNumber) is var error and not 0)
            throw new Win32Exception(error);
        _thread = new Thread(Run) { IsBackground = true, Name = "logins" };
        _thread.Start();
    }

    /// <summary>Ends when bytes, the end of the stream or an error can be received. The socket must stay open until then.</summary>
    /// <exception cref="ObjectDisposedException">(In the task) The poller was disposed meanwhile.</exception>
    /// <exception cref="SocketException">(In the task) The kernel has no room for another wait.</exception>
    public Task Readable(Socket socket) => Add(socket, Libc.EPOLLIN);

    /// <summary>Ends when bytes can be sent or the connection is broken. The socket must stay open until then.</summary>
    /// <inheritdoc cref="Readable" path="/exception"/>
    public Task Writable(Socket socket) => Add(socket, Libc.EPOLLOUT);

    /// <summary>Takes a socket that nobody waits for out of the kernel's list, so that its traffic does not pass by there any more.</summary>
    public void Forget(Socket socket) => Control(Libc.EPOLL_CTL_DEL, socket.SafeHandle, 0, 0);

    public void Dispose()
    {
        _ended = true;
        _wakeUp.Signal();
        _thread.Join();
        Abandon();
        _wakeUp.Dispose();
        _poll.Dispose();
    }

    private Task Add(Socket socket, uint events)
    {
        var number = Interlocked.Increment(ref _lastNumber);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _waits[number] = ended;
        // Either the end or we see what came too late.
        if (_ended)
        {
            Abandon();
            return ended.Task;
        }
        var error = Control(Libc.EPOLL_CTL_ADD, socket.SafeHandle, events | Libc.EPOLLONESHOT, number);
        if (error == Libc.EEXIST)
            error = Control(Libc.EPOLL_CTL_MOD, socket.SafeHandle, events | Libc.EPOLLONESHOT, number);
        if (error != 0 && _waits.TryRemove(number, out _))
            ended.SetException(new SocketException(error));
        return ended.Task;
    }

    /// <returns>An errno or 0.</returns>
    private int Control(int operation, SafeHandle descriptor, uint events, long number)
    {
        var change = stackalloc byte[PollEvents.Bytes];
        PollEvents.Write(change, events, number);
        return Libc.EpollControl(_poll, operation, descriptor, change) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    private void Run()
    {
        var events = stackalloc byte[PollEvents.Bytes * EventsAtOnce];
        while (!_ended)
        {
            var count = Libc.EpollWait(_poll, events, EventsAtOnce, -1);
            for (var i = 0; i < count; i++)
            {
                if (_waits.TryRemove(PollEvents.Number(events + i * PollEvents.Bytes), out var ended))
                    ended.TrySetResult();
            }
        }
    }

    private void Abandon()
    {
        foreach (var number in _waits.Keys)
        {
            if (_waits.TryRemove(number, out var ended))
                ended.TrySetException(new ObjectDisposedException(nameof(SocketPoller)));
        }
    }
}

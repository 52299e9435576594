using System.Collections.Concurrent;
using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Qcow2Target.Actors.Sessions;
using Qcow2Target.Interop;

namespace Qcow2Target.Actors.Portals;

/// <summary>Something that the poller's thread calls. Must not block.</summary>
internal interface IPollerClient
{
    /// <summary>What was watched can be received from, or is broken.</summary>
    void Ready(long number);

    /// <summary>How soon after a tick the next one has to come, at least 1. Read before every wait.</summary>
    int PatienceMilliseconds { get; }

    /// <summary>Time has passed: <see cref="PatienceMilliseconds"/> or, where another client has less, not so much.</summary>
    void Tick();
}

/// <summary>
/// One thread that waits for the sockets of all logins at once, by epoll(7): what a wait costs does not depend on how many others wait. It has the priority of
/// all others: threads inherit it, and it is this thread that starts some of the thread pool's. Safe to call from several threads.
/// </summary>
internal sealed unsafe class SocketPoller : IDisposable
{
    private const int EventsAtOnce = 64;
    private const long WakeUpNumber = 0;

    /// <summary>Who waits: a <see cref="TaskCompletionSource"/> or an <see cref="IPollerClient"/>.</summary>
    private readonly ConcurrentDictionary<long, object> _waits = new();
    private readonly ConcurrentDictionary<IPollerClient, bool> _clients = new();
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

    /// <summary><see cref="IPollerClient.Tick"/> is called from now on, until <see cref="Remove"/>.</summary>
    public void Add(IPollerClient client)
    {
        _clients[client] = true;
        _wakeUp.Signal();
    }

    public void Remove(IPollerClient client) => _clients.TryRemove(client, out _);

    /// <summary>Calls a client once when the socket can be received from.</summary>
    /// <returns>The number that the call will carry, for <see cref="Unwatch"/>; -1 where the kernel has no room for another.</returns>
    public long Watch(Socket socket, IPollerClient client)
    {
        var number = Interlocked.Increment(ref _lastNumber);
        _waits[number] = client;
        if (Arm(socket, Libc.EPOLLIN, number) == 0)
            return number;
        _waits.TryRemove(number, out _);
        return -1;
    }

    /// <summary>The call does not come any more, but one that is under way.</summary>
    public void Unwatch(long number) => _waits.TryRemove(number, out _);

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
        if (Arm(socket, events, number) is var error and not 0 && _waits.TryRemove(number, out _))
            ended.SetException(new SocketException(error));
        return ended.Task;
    }

    /// <returns>An errno or 0.</returns>
    private int Arm(Socket socket, uint events, long number)
    {
        var error = Control(Libc.EPOLL_CTL_MOD, socket.SafeHandle, events | Libc.EPOLLONESHOT, number);
        return error == Libc.ENOENT ? Control(Libc.EPOLL_CTL_ADD, socket.SafeHandle, events | Libc.EPOLLONESHOT, number) : error;
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
        var lastTick = Environment.TickCount64;
        while (!_ended)
        {
            var patience = Patience();
            var count = Libc.EpollWait(_poll, events, EventsAtOnce, patience);
            for (var i = 0; i < count; i++)
            {
                var number = PollEvents.Number(events + i * PollEvents.Bytes);
                if (number == WakeUpNumber)
                    _wakeUp.Clear();
                else if (_waits.TryRemove(number, out var waiting))
                    Wake(waiting, number);
            }
            if (Environment.TickCount64 - lastTick < patience)
                continue;
            lastTick = Environment.TickCount64;
            foreach (var client in _clients.Keys)
                client.Tick();
        }
    }

    /// <returns>Milliseconds; -1 where nobody waits for a tick.</returns>
    private int Patience()
    {
        var least = int.MaxValue;
        foreach (var (client, _) in _clients)
            least = Math.Min(least, client.PatienceMilliseconds);
        return least == int.MaxValue ? -1 : least;
    }

    private static void Wake(object waiting, long number)
    {
        if (waiting is IPollerClient client)
            client.Ready(number);
        else
            ((TaskCompletionSource)waiting).TrySetResult();
    }

    private void Abandon()
    {
        foreach (var number in _waits.Keys)
        {
            if (_waits.TryRemove(number, out var waiting) && waiting is TaskCompletionSource ended)
                ended.TrySetException(new ObjectDisposedException(nameof(SocketPoller)));
        }
    }
}

using System.Collections.Concurrent;
using System.Net.Sockets;
using Qcow2Target.Actors.Sessions;
using Qcow2Target.Interop;

namespace Qcow2Target.Actors.Portals;

/// <summary>One thread that waits for the sockets of all logins at once. Safe to call from several threads.</summary>
internal sealed unsafe class SocketPoller : IDisposable
{
    private readonly ConcurrentQueue<Wait> _arriving = new();
    private readonly WakeUp _wakeUp = new();
    private readonly Thread _thread;
    private volatile bool _ended;

    public SocketPoller()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "logins" };
        _thread.Start();
    }

    /// <summary>Ends when bytes, the end of the stream or an error can be received. The socket must stay open until then.</summary>
    /// <exception cref="ObjectDisposedException">(In the task) The poller was disposed meanwhile.</exception>
    public Task Readable(Socket socket) => Add(socket, Libc.POLLIN);

    /// <summary>Ends when bytes can be sent or the connection is broken. The socket must stay open until then.</summary>
    /// <exception cref="ObjectDisposedException">(In the task) The poller was disposed meanwhile.</exception>
    public Task Writable(Socket socket) => Add(socket, Libc.POLLOUT);

    public void Dispose()
    {
        _ended = true;
        _wakeUp.Signal();
        _thread.Join();
        Abandon();
        _wakeUp.Dispose();
    }

    private Task Add(Socket socket, int events)
    {
        var wait = new Wait(socket, (short)events);
        _arriving.Enqueue(wait);
        // Either the thread or we see what came too late.
        if (_ended)
            Abandon();
        else
            _wakeUp.Signal();
        return wait.Ended.Task;
    }

    private void Run()
    {
        var waits = new List<Wait>();
        var descriptors = new PollDescriptor[16];
        while (!_ended)
        {
            while (_arriving.TryDequeue(out var wait))
                waits.Add(wait);
            if (descriptors.Length <= waits.Count)
                Array.Resize(ref descriptors, waits.Count * 2);
            Poll(waits, descriptors);
        }
        foreach (var wait in waits)
            wait.Abandon();
    }

    private void Poll(List<Wait> waits, PollDescriptor[] descriptors)
    {
        for (var i = 0; i < waits.Count; i++)
            descriptors[i] = new PollDescriptor { Descriptor = (int)waits[i].Socket.SafeHandle.DangerousGetHandle(), Events = waits[i].Events };
        descriptors[waits.Count] = new PollDescriptor { Descriptor = (int)_wakeUp.Handle.DangerousGetHandle(), Events = Libc.POLLIN };
        fixed (PollDescriptor* first = descriptors)
            if (Libc.Poll(first, (nuint)waits.Count + 1, -1) <= 0)
                return;
        if (descriptors[waits.Count].Returned != 0)
            _wakeUp.Clear();
        // From the end, so that the last can take the place of one that leaves.
        for (var i = waits.Count - 1; i >= 0; i--)
        {
            if (descriptors[i].Returned == 0)
                continue;
            var wait = waits[i];
            waits[i] = waits[^1];
            waits.RemoveAt(waits.Count - 1);
            wait.Ended.SetResult();
        }
    }

    private void Abandon()
    {
        while (_arriving.TryDequeue(out var wait))
            wait.Abandon();
    }

    private sealed record Wait(Socket Socket, short Events)
    {
        public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Abandon() => Ended.TrySetException(new ObjectDisposedException(nameof(SocketPoller)));
    }
}

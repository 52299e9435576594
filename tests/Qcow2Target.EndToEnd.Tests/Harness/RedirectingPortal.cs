using System.Net;
using System.Net.Sockets;
using Qcow2Target.Iscsi.Login;

namespace Qcow2Target.EndToEnd.Tests.Harness;

/// <summary>A portal in the test's process that sends every initiator elsewhere, by the daemon's own login machine.</summary>
internal sealed class RedirectingPortal : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly AdmissionDecision.Redirected _decision;
    private readonly Task _serving;
    private int _redirected;

    public RedirectingPortal(IPEndPoint to, RedirectDuration duration = RedirectDuration.Temporary)
    {
        _decision = new AdmissionDecision.Redirected(new PortalAddress(to), duration);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        _serving = ServeAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>Logins that were sent elsewhere.</summary>
    public int Redirected => Volatile.Read(ref _redirected);

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _serving;
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using Socket socket = await _listener.AcceptAsync();
                await LogInAsync(socket);
            }
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
        {
            // The listener's end.
        }
    }

    private async Task LogInAsync(Socket socket)
    {
        LoginMachine login = new(new LoginOffers());
        byte[] input = new byte[16384];
        for (int length = 0; ;)
        {
            LoginStep step = login.Receive(input.AsSpan(0, length), out int consumed);
            input.AsSpan(consumed, length - consumed).CopyTo(input);
            length -= consumed;
            if (step is LoginStep.NeedAdmission) step = login.Admit(_decision);
            switch (step)
            {
                case LoginStep.NeedInput:
                    int count = await socket.ReceiveAsync(input.AsMemory(length));
                    if (count == 0) return;
                    length += count;
                    break;
                case LoginStep.Send send:
                    await socket.SendAsync(send.Bytes);
                    break;
                case LoginStep.SendAndClose close:
                    Interlocked.Increment(ref _redirected);
                    await socket.SendAsync(close.Bytes);
                    return;
            }
        }
    }
}

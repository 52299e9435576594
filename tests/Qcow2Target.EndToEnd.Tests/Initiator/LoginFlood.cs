using System.Net;
using System.Net.Sockets;
using Qcow2Target.EndToEnd.Tests.Harness;

namespace Qcow2Target.EndToEnd.Tests.Initiator;

/// <summary>Some peers that log in, each time with another initiator port, cut the connection and do so again, until disposed of.</summary>
internal sealed class LoginFlood : IDisposable
{
    private readonly IPEndPoint _portal;
    private readonly IPAddress _from;
    private readonly Task _all;
    private volatile bool _isOver;
    private int _begun, _logins;

    public LoginFlood(IPEndPoint portal, IPAddress from, int peers)
    {
        _portal = portal;
        _from = from;
        _all = Task.WhenAll(Enumerable.Range(0, peers).Select(_ => Task.Run(GoOnAsync)));
    }

    /// <summary>Logins that were answered so far.</summary>
    public int Logins => Volatile.Read(ref _logins);

    public void Dispose()
    {
        _isOver = true;
        _all.Wait(TimeSpan.FromSeconds(30));
    }

    private async Task GoOnAsync()
    {
        byte[] answer = new byte[RawPdu.HeaderLength];
        while (!_isOver)
        {
            using BadPeer peer = await BadPeer.ConnectAsync(_portal, _from);
            await peer.SendAsync(BadPeer.LoginRequest($"iqn.2018-05.local:bad-{Interlocked.Increment(ref _begun)}", BadPeersFixture.Target));
            try
            {
                if (await peer.ReceiveAsync(answer) > 0) Interlocked.Increment(ref _logins);
            }
            catch (SocketException)
            {
                // It was closed for another.
            }
            peer.Reset();
        }
    }
}

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests.Fuzzing;

/// <summary>One TCP connection of a conversation: sends what was queued, cut at will, and hands what comes to the rules. One thread.</summary>
internal sealed class FuzzConnection : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly RandomSource _random;
    private readonly Socket _socket;
    private byte[] _queued = new byte[65536];
    private int _count;
    private bool _wasLazy;

    public FuzzConnection(IPEndPoint portal, ConversationState conversation, int number, RandomSource random)
    {
        _random = random;
        Ledger = new ConnectionLedger(conversation, number);
        Sent = new SentStream(Ledger);
        Received = new ReceivedStream(Ledger);
        _socket = new Socket(portal.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        _socket.Connect(portal);
        _socket.Blocking = false;
    }

    public ConnectionLedger Ledger { get; }
    public SentStream Sent { get; }
    public ReceivedStream Received { get; }

    /// <summary>It does not read, until what it sends gets stuck.</summary>
    public bool IsLazy { get; private set; }

    /// <summary>Nothing can be sent or received any more.</summary>
    public bool IsEnded { get; private set; }

    public int QueuedBytes => _count;

    /// <summary>Queues bytes as they are.</summary>
    public void Queue(ReadOnlySpan<byte> bytes)
    {
        if (IsEnded) return;
        Sent.Append(bytes);
        if (Sent.IsForbidden)
        {
            Abandon("a PDU that must not be sent");
            return;
        }
        if (_count + bytes.Length > _queued.Length) Array.Resize(ref _queued, Math.Max(2 * _queued.Length, _count + bytes.Length));
        bytes.CopyTo(_queued.AsSpan(_count));
        _count += bytes.Length;
    }

    public void Queue(FuzzPdu pdu) => Queue(pdu.Encode(Ledger is { IsFullFeature: true, HeaderDigest: true }, Ledger is { IsFullFeature: true, DataDigest: true }));

    /// <summary>Sends what is queued, in one piece or in many.</summary>
    public void Flush()
    {
        int most = _random.Once(5) ? _random.Pick(1, 7, 48, 100, 1000) : int.MaxValue, at = 0;
        if (most < 50 && _count > 2000) most = 1000;
        long start = Stopwatch.GetTimestamp();
        while (at < _count && !IsEnded)
        {
            int piece = Math.Min(_count - at, most == int.MaxValue ? most : _random.Next(1, most + 1)), sent;
            try
            {
                sent = _socket.Send(_queued.AsSpan(at, piece), SocketFlags.None, out SocketError error);
                if (error == SocketError.WouldBlock)
                {
                    if (IsLazy && Stopwatch.GetElapsedTime(start) > TimeSpan.FromMilliseconds(200)) IsLazy = false;
                    if (!IsLazy) Receive();
                    if (Stopwatch.GetElapsedTime(start) > Patience) throw new FuzzFinding($"the target takes nothing for {Patience.TotalSeconds} s");
                    _socket.Poll(1000, SelectMode.SelectWrite);
                    continue;
                }
                if (error != SocketError.Success)
                {
                    Ended();
                    break;
                }
            }
            catch (ObjectDisposedException)
            {
                break;
            }
            at += sent;
        }
        _count = 0;
        if (!IsLazy) Receive();
    }

    /// <summary>Takes all that has come, without waiting.</summary>
    public void Receive()
    {
        while (!IsEnded)
        {
            int count = _socket.Receive(Received.Room(), SocketFlags.None, out SocketError error);
            if (error == SocketError.WouldBlock) return;
            if (error != SocketError.Success || count == 0)
            {
                Ended();
                return;
            }
            Received.Received(count);
        }
    }

    /// <summary>Receives until <paramref name="reached"/>, the end of the connection, or the limit.</summary>
    /// <returns>False at the limit.</returns>
    public bool Await(Func<bool> reached, TimeSpan limit)
    {
        IsLazy = false;
        long start = Stopwatch.GetTimestamp();
        Receive();
        while (!IsEnded && !reached())
        {
            TimeSpan left = limit - Stopwatch.GetElapsedTime(start);
            if (left <= TimeSpan.Zero) return false;
            _socket.Poll((int)Math.Min(left.TotalMicroseconds, 100_000), SelectMode.SelectRead);
            Receive();
        }
        return true;
    }

    /// <summary>Closes in the regular way, without a logout.</summary>
    public void Close()
    {
        Ledger.Conversation.Transcript.Note(Ledger.Number, "close");
        IsEnded = true;
        _socket.Dispose();
    }

    /// <summary>Closes with a RST.</summary>
    public void Abandon(string why)
    {
        Ledger.Conversation.Transcript.Note(Ledger.Number, "reset: " + why);
        IsEnded = true;
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Dispose();
    }

    /// <summary>Closes the sending direction: the target must close the other one.</summary>
    public void CloseHalf()
    {
        if (IsEnded) return;
        Ledger.MayEnd ??= "half closed";
        _socket.Shutdown(SocketShutdown.Send);
        if (!Await(() => false, Patience)) throw new FuzzFinding("the target keeps a connection whose other side has closed");
    }

    /// <summary>From now on it reads only where it cannot go on without.</summary>
    public void StopReading() => (IsLazy, _wasLazy) = (true, true);

    public void Dispose() => _socket.Dispose();

    private void Ended()
    {
        if (IsEnded) return;
        IsEnded = true;
        Ledger.Conversation.Transcript.Note(Ledger.Number, "the target closed the connection");
        bool reinstated = Ledger.Conversation.Ports.GetValueOrDefault(Ledger.Port) > 1;
        if (Ledger.MayEnd is null && !IsLazy && !_wasLazy && !reinstated && !Ledger.Conversation.IsColdReset)
            throw new FuzzFinding("the target closed a connection on which nothing was wrong");
    }
}

using System.Buffers.Binary;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;
using Qcow2Target.Testing.Fuzzing;

namespace Qcow2Target.EndToEnd.Tests.Fuzzing;

/// <summary>
/// One conversation: up to three connections that say whatever the grammars give, bent as the conversation's mood has it, and end in one of many ways. All
/// choices come from the seed; what comes back, and when, is the target's.
/// </summary>
internal sealed class Conversation
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    private readonly FuzzTarget _target;
    private readonly RandomSource _random;
    private readonly ConversationState _state;
    private readonly LoginGrammar _logins;
    private readonly PduGrammar _pdus;
    private readonly PduBender _bender;
    private readonly List<FuzzConnection> _connections = [];
    private readonly int _bendOdds;

    public Conversation(int seed, FuzzTarget target)
    {
        _target = target;
        _random = new RandomSource(_ => { }, seed);
        _state = new ConversationState(target.Scratch);
        _bendOdds = _random.Pick(int.MaxValue, int.MaxValue, 40, 12, 5);
        _logins = new LoginGrammar(_random);
        _pdus = new PduGrammar(_random, new CdbGrammar(_random, target.Scratch.Blocks, target.Designators), _random.Pick(1000, 8, 8, 2));
        _bender = new PduBender(_random);
    }

    public Transcript Transcript => _state.Transcript;

    /// <summary>PDUs sent and received.</summary>
    public (long Sent, long Received) Pdus => (_connections.Sum(connection => connection.Sent.Pdus), _connections.Sum(connection => connection.Received.Pdus));

    public int Connections => _connections.Count;

    /// <summary>Runs it to its end; afterwards no connection is open.</summary>
    /// <exception cref="FuzzFinding">The target broke a rule.</exception>
    public void Run()
    {
        try
        {
            int count = _random.Pick(1, 1, 1, 2, 3);
            List<FuzzConnection> talking = [];
            for (int i = 0; i < count; i++)
            {
                if (Open() is { } connection) talking.Add(connection);
            }
            for (int turns = _random.Next(3, 60); turns > 0 && talking.Exists(IsTalking); turns--) Turn(talking[_random.Next(talking.Count)]);
            foreach (FuzzConnection connection in talking)
            {
                if (IsTalking(connection)) Finish(connection);
                if (!connection.IsEnded && connection.Sent.IsOver && !connection.Await(() => false, Patience)) throw new FuzzFinding($"the connection stays open: {connection.Ledger.MayEnd}");
            }
        }
        finally
        {
            foreach (FuzzConnection connection in _connections) connection.Close();
        }
    }

    private static bool IsTalking(FuzzConnection connection) => !connection.IsEnded && !connection.Sent.IsOver;

    /// <summary>A connection with a session; null where none was to come of it.</summary>
    private FuzzConnection? Open()
    {
        FuzzConnection connection = new(_target.Portal, _state, _connections.Count, _random);
        _connections.Add(connection);
        int kind = _random.Next(100);
        if (kind < 12)
        {
            new HostileLogin(_random, _bender).Run(connection, _random.Once(3) ? FuzzTarget.ClosedName : _target.Name);
            return null;
        }
        if (kind < 16) return _logins.Run(connection, null, null) ? connection : null;
        if (kind < 20) return _logins.Run(connection, _target.KnownName, FuzzTarget.Known) ? connection : null;
        connection.Ledger.MayWrite = true;
        Action<FuzzConnection>? eager = _random.Once(4) ? Eager : null;
        return _logins.Run(connection, _target.Name, null, eager) ? connection : null;
    }

    private void Eager(FuzzConnection connection)
    {
        for (int i = _random.Next(1, 6); i > 0; i--) _pdus.NextWithoutData(connection.Ledger).ForEach(connection.Queue);
    }

    private void Turn(FuzzConnection connection)
    {
        if (!IsTalking(connection)) return;
        if (_random.Once(150)) connection.StopReading();
        int batch = _random.Pick(1, 3, 10, 25);
        for (int i = 0; i < batch && IsTalking(connection); i++)
        {
            // By far the most stay within the window: what lies beyond is ignored.
            if ((int)(connection.Ledger.MaxCmdSn - connection.Ledger.ExpCmdSn) < 2 && !_random.Once(100)) break;
            List<FuzzPdu> pdus = _pdus.Next(connection.Ledger);
            if (_bendOdds != int.MaxValue) _bender.Bend(pdus, _bendOdds);
            foreach (FuzzPdu pdu in pdus)
            {
                if (_bendOdds != int.MaxValue && _random.Once(600)) connection.Queue(_bender.Break(pdu, connection.Ledger.HeaderDigest, connection.Ledger.DataDigest));
                else connection.Queue(pdu);
            }
            if (connection.QueuedBytes > 1 << 18) break;
        }
        connection.Flush();
        if (_random.Once(2) || connection.Ledger.MaxCmdSn - connection.Ledger.ExpCmdSn < 4) Barrier(connection);
    }

    /// <summary>A ping, and its answer: all that was sent before has been taken.</summary>
    private void Barrier(FuzzConnection connection)
    {
        if (!IsTalking(connection) || connection.Ledger.IsDiscovery) return;
        int before = connection.Received.Pongs;
        FuzzPdu ping = PduGrammar.Number(connection.Ledger, [_pdus.Ping()])[0];
        connection.Queue(ping);
        connection.Flush();
        // A cut or a lying length may have made the ping part of another PDU, and that may have been the end of the lie.
        uint tag = BinaryPrimitives.ReadUInt32BigEndian(ping.Header.AsSpan(16));
        bool isHeard = connection.Sent.IsInStep && (connection.Received.Pongs > before || connection.Ledger.Open.Any(task => task.Tag == tag));
        TimeSpan limit = isHeard ? Patience : TimeSpan.FromMilliseconds(30);
        if (!connection.Await(() => connection.Received.Pongs > before || connection.Sent.IsOver, limit) && isHeard)
            throw new FuzzFinding($"a ping is not answered within {Patience.TotalSeconds} s");
        if (!connection.Ledger.IsUncertain || connection.Ledger.MayEnd is not null || connection.IsEnded) return;
        connection.Ledger.ExpCmdSn = connection.Ledger.ToldExpCmdSn;
        connection.Ledger.IsUncertain = false;
    }

    private void Finish(FuzzConnection connection)
    {
        int way = _random.Next(10);
        if (way > 2 && !connection.Ledger.IsDiscovery) Settle(connection);
        if (!IsTalking(connection)) return;
        switch (way)
        {
            case 0:
                connection.Abandon("in the middle");
                break;
            case 1:
                connection.Close();
                break;
            case 2 or 3:
                connection.CloseHalf();
                break;
            case 4:
                connection.Queue(_bender.Break(PduGrammar.Number(connection.Ledger, [_pdus.Ping()])[0], connection.Ledger.HeaderDigest, connection.Ledger.DataDigest));
                connection.Flush();
                connection.Close();
                break;
            default:
                if (!connection.Sent.IsInStep) break;
                connection.Queue(_pdus.Logout(connection.Ledger, _random.Next(2)));
                connection.Flush();
                if (!connection.Await(() => false, Patience)) throw new FuzzFinding("after a logout the connection stays open");
                break;
        }
    }

    /// <summary>Gives the target all that it waits for, waits for all that is due, and looks whether anything is left.</summary>
    private void Settle(FuzzConnection connection)
    {
        for (int rounds = 0; rounds < 200 && IsTalking(connection) && connection.Sent.IsInStep; rounds++)
        {
            _pdus.Settle(connection.Ledger).ForEach(connection.Queue);
            connection.Flush();
            Barrier(connection);
            if (connection.Ledger.ToAnswer.Count == 0 && !connection.Ledger.Open.Any(task => task.IsUnsolicitedOpen)) break;
        }
        if (!IsTalking(connection) || !connection.Sent.IsInStep) return;
        if (!connection.Await(() => !connection.Ledger.Open.Any(MustBeAnswered), Patience))
            throw new FuzzFinding($"not answered within {Patience.TotalSeconds} s: {string.Join("; ", connection.Ledger.Open.Where(MustBeAnswered))}");
        foreach (SentTask left in connection.Ledger.Open.Where(task => task.Opcode == Opcodes.ScsiCommand).ToList())
        {
            if (!IsTalking(connection)) return;
            FuzzPdu abort = new(Opcodes.TaskManagement | Opcodes.Immediate, 0x81) { [16] = _pdus.NewTag(), [20] = left.Tag };
            connection.Queue(PduGrammar.Number(connection.Ledger, [abort])[0]);
            connection.Flush();
            Barrier(connection);
        }
        AwaitWindow(connection);
    }

    private bool MustBeAnswered(SentTask task) =>
        task is { IsDone: false, IsAborted: false, WaitsForUs: false, IsBroken: false, IsDisturbed: false, IsExcused: false, IsAmbiguous: false, Acceptance: Acceptance.Taken }
        && (task.Opcode != Opcodes.ScsiCommand || task.AbortsBefore == _state.Aborts);

    private void AwaitWindow(FuzzConnection connection)
    {
        for (long start = Environment.TickCount64; IsTalking(connection) && connection.Ledger.MayEnd is null && !connection.Received.IsWindowWhole;)
        {
            if (Environment.TickCount64 - start > Patience.TotalMilliseconds)
                throw new FuzzFinding($"nothing is under way, and the window has {connection.Received.Window} of {ConnectionLedger.WholeWindow} places: a task is left");
            Barrier(connection);
        }
    }
}

using System.Net;
using System.Threading.Channels;

namespace Qcow2Target.EndToEnd.Tests.Initiator;

/// <summary>
/// A normal session with as many commands at once as the target's window takes. It is strict: what the target sends is checked against
/// RFC 7143 (StatSN, DataSN, offsets, burst lengths), and the first fault fails every command in progress.
/// </summary>
internal sealed class InitiatorSession : IAsyncDisposable
{
    private static readonly TimeSpan CommandLimit = TimeSpan.FromSeconds(60);
    private readonly object _gate = new();
    private readonly PduStream _stream;
    private readonly SessionOptions _options;
    private readonly Dictionary<uint, InitiatorTask> _tasks = [];
    private readonly Queue<InitiatorTask> _held = [];
    private readonly Channel<RawPdu> _outgoing = Channel.CreateUnbounded<RawPdu>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task _sending, _receiving;
    private Exception? _fault;
    private uint _nextTag = 0x100;
    private uint _commandSequence, _maximumCommandSequence, _statusSequence;

    private InitiatorSession(PduStream stream, SessionOptions options, LoginOutcome login)
    {
        _stream = stream;
        _options = options;
        Login = login;
        Transfer = new TransferLimits(login, options);
        _commandSequence = login.NextCommandSequence;
        _maximumCommandSequence = login.MaximumCommandSequence;
        _statusSequence = login.NextStatusSequence;
        _sending = Task.Run(SendAllAsync);
        _receiving = Task.Run(ReceiveAllAsync);
    }

    public LoginOutcome Login { get; }

    public TransferLimits Transfer { get; }

    /// <summary>Ends when the connection does, with or without a fault; never fails itself.</summary>
    public Task Ended => _receiving;

    public static async Task<InitiatorSession> LoginAsync(IPEndPoint portal, SessionOptions options)
    {
        PduStream stream = await PduStream.ConnectAsync(portal);
        try
        {
            return new InitiatorSession(stream, options, await Initiator.Login.RunAsync(stream, options));
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Logs in and takes the unit attentions that a new nexus is told.</summary>
    public static async Task<InitiatorSession> ReadyAsync(IPEndPoint portal, SessionOptions options)
    {
        InitiatorSession session = await LoginAsync(portal, options);
        await session.TakeUnitAttentionsAsync();
        return session;
    }

    public async Task TakeUnitAttentionsAsync(int lun = 0)
    {
        ScsiResult result = new(0xFF, 0, 0, 0);
        for (int i = 0; i < 10 && !result.IsGood; i++) result = await ExecuteAsync(Cdb.TestUnitReady() with { Lun = lun });
        if (!result.IsGood) throw new IOException($"LUN {lun} does not become ready: {result}");
    }

    public Task<ScsiResult> ExecuteAsync(ScsiCommand command) => Start(command).Result.WaitAsync(CommandLimit);

    /// <summary>As <see cref="ExecuteAsync"/>; anything but GOOD is an exception.</summary>
    public async Task MustAsync(ScsiCommand command)
    {
        ScsiResult result = await ExecuteAsync(command);
        if (!result.IsGood) throw new IOException($"{command}: {result}");
    }

    /// <summary>Starts a command; its tag is known at once, so that it can be aborted.</summary>
    public InitiatorTask Start(ScsiCommand command)
    {
        lock (_gate)
        {
            InitiatorTask task = new(command, NewTag(), Transfer);
            if (_fault is not null)
            {
                task.Fail(_fault);
                return task;
            }
            _tasks.Add(task.Tag, task);
            _held.Enqueue(task);
            SendWhatTheWindowTakes();
            return task;
        }
    }

    /// <summary>A task management function; the response code of RFC 7143 section 11.6.1.</summary>
    public async Task<byte> ManageAsync(byte function, int lun = 0, InitiatorTask? referenced = null)
    {
        RawPdu request = new(Opcodes.TaskManagement | Opcodes.Immediate, (byte)(0x80 | function))
        {
            Lun = (ulong)lun << 48,
            TransferTag = referenced?.Tag ?? RawPdu.NoTag,
        };
        if (referenced is not null) request[32] = referenced.CommandSequence;
        RawPdu response = await AskAsync(request);
        return response.Header[2];
    }

    /// <summary>A NOP-Out with data; the NOP-In that answers it.</summary>
    public Task<RawPdu> PingAsync(byte[] data) => AskAsync(new RawPdu(Opcodes.NopOut | Opcodes.Immediate, 0x80, data) { TransferTag = RawPdu.NoTag });

    /// <summary>Closes the session in the regular way; the response code must be 0.</summary>
    public async Task LogoutAsync()
    {
        RawPdu response = await AskAsync(new RawPdu(Opcodes.Logout | Opcodes.Immediate));
        if (response.Header[2] != 0) throw new IOException($"logout answered with {response.Header[2]}");
        await Ended.WaitAsync(CommandLimit);
    }

    /// <summary>Closes the connection without a word, as a board does whose power is cut.</summary>
    public async ValueTask DisposeAsync()
    {
        End(new IOException("the session was closed here"));
        _stream.Dispose();
        await _receiving;
        await _sending;
    }

    private async Task<RawPdu> AskAsync(RawPdu request)
    {
        InitiatorTask task;
        lock (_gate)
        {
            if (_fault is not null) throw new IOException("the session has ended", _fault);
            task = new InitiatorTask(new ScsiCommand([]), NewTag(), Transfer);
            _tasks.Add(task.Tag, task);
            request.TaskTag = task.Tag;
            request.CommandSequence = _commandSequence;
            Send(request);
        }
        return await task.Response.WaitAsync(CommandLimit);
    }

    private uint NewTag() => _nextTag++;

    private void SendWhatTheWindowTakes()
    {
        while (_held.Count > 0 && (int)(_maximumCommandSequence - _commandSequence) >= 0)
        {
            InitiatorTask task = _held.Dequeue();
            task.CommandSequence = _commandSequence++;
            foreach (RawPdu pdu in task.CommandPdus()) Send(pdu);
        }
    }

    private void Send(RawPdu pdu)
    {
        pdu.ExpectedSequence = _statusSequence;
        _outgoing.Writer.TryWrite(pdu);
    }

    private async Task SendAllAsync()
    {
        try
        {
            await foreach (RawPdu pdu in _outgoing.Reader.ReadAllAsync()) await _stream.SendAsync(pdu);
        }
        catch (Exception fault) when (fault is IOException or System.Net.Sockets.SocketException or ObjectDisposedException)
        {
            End(fault);
        }
    }

    private async Task ReceiveAllAsync()
    {
        try
        {
            while (await _stream.ReceiveAsync() is { } pdu)
            {
                lock (_gate) Take(pdu);
            }
            End(new IOException("the target closed the connection"));
        }
        catch (Exception fault) when (fault is IOException or System.Net.Sockets.SocketException or ObjectDisposedException)
        {
            End(fault);
        }
    }

    private void Take(RawPdu pdu)
    {
        if ((int)(pdu.MaximumCommandSequence - _maximumCommandSequence) > 0) _maximumCommandSequence = pdu.MaximumCommandSequence;
        if (CarriesStatus(pdu))
        {
            if (pdu.StatusSequence != _statusSequence) throw new IOException($"StatSN {pdu.StatusSequence}, expected {_statusSequence}: {pdu}");
            _statusSequence++;
        }
        switch (pdu.Opcode)
        {
            case Opcodes.DataIn:
                if (TaskOf(pdu).TakeDataIn(pdu)) _tasks.Remove(pdu.TaskTag);
                break;
            case Opcodes.ReadyToTransfer:
                foreach (RawPdu data in TaskOf(pdu).Answer(pdu)) Send(data);
                break;
            case Opcodes.ScsiResponse:
                TaskOf(pdu).TakeResponse(pdu);
                _tasks.Remove(pdu.TaskTag);
                break;
            case Opcodes.NopIn when pdu.TaskTag == RawPdu.NoTag:
                if (pdu.TransferTag != RawPdu.NoTag) AnswerPing(pdu);
                break;
            case Opcodes.NopIn or Opcodes.TaskManagementResponse or Opcodes.LogoutResponse or Opcodes.TextResponse:
                TaskOf(pdu).TakeAnswer(pdu);
                _tasks.Remove(pdu.TaskTag);
                break;
            case Opcodes.AsyncMessage:
                break;
            default:
                throw new IOException($"unexpected: {pdu}, reason 0x{pdu.Header[2]:x2}");
        }
        SendWhatTheWindowTakes();
    }

    private void AnswerPing(RawPdu ping) =>
        Send(new RawPdu(Opcodes.NopOut | Opcodes.Immediate)
        {
            Lun = ping.Lun,
            TaskTag = RawPdu.NoTag,
            TransferTag = ping.TransferTag,
            CommandSequence = _commandSequence,
        });

    private static bool CarriesStatus(RawPdu pdu) => pdu.Opcode switch
    {
        Opcodes.ReadyToTransfer => false,
        Opcodes.DataIn => (pdu.Flags & 0x01) != 0,
        Opcodes.NopIn => pdu.TaskTag != RawPdu.NoTag,
        _ => true,
    };

    private InitiatorTask TaskOf(RawPdu pdu) =>
        _tasks.TryGetValue(pdu.TaskTag, out InitiatorTask? task) ? task : throw new IOException($"answer to a task that is not there: {pdu}");

    private void End(Exception fault)
    {
        lock (_gate)
        {
            _fault ??= fault;
            foreach (InitiatorTask task in _tasks.Values) task.Fail(_fault);
            _tasks.Clear();
            _held.Clear();
            _outgoing.Writer.TryComplete();
        }
    }
}

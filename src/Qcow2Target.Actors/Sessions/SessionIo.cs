using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Iscsi.Buffers;
using Qcow2Target.Iscsi.Login;
using Qcow2Target.Iscsi.Sessions;
using Qcow2Target.Scsi;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Actors.Sessions;

/// <summary>
/// A session's connection and the one thread that serves it: receive what is there, run every whole PDU to its end, send the answers in
/// one go. Lives beside its actor: stopped is not quiet, <see cref="Completion"/> is.
/// <para>Who completes something on another thread sends what it laid out without blocking; what the peer does not take is left to the
/// connection's thread, which is woken for it.</para>
/// </summary>
public sealed class SessionIo : ISessionEvents, ISessionFaults, IDisposable
{
    /// <summary>A connection that heard nothing for so long gives its receive buffer back.</summary>
    private const int IdleMilliseconds = 2000;

    /// <summary>Room behind the largest PDU, so that one receive brings the next ones too.</summary>
    private const int ReadAheadBytes = 256 << 10;

    private const int StackBytes = 512 << 10;

    /// <summary>So many pings without an answer make an initiator unresponsive.</summary>
    private const int UnansweredPings = 2;

    private readonly EstablishedConnection _connection;
    private readonly SessionSocket _socket;
    private readonly SessionExecutor _executor;
    private readonly SessionMachine _machine;
    private readonly Spinner _spinner;
    private readonly Lock _sendLock = new();
    private readonly TaskCompletionSource _threadEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly int _bufferBytes;
    private byte[]? _buffer;
    private byte[] _kept = [];
    private int _start;
    private int _end;
    private bool _disposed;
    private volatile bool _unsent;
    private volatile bool _closed;
    private volatile string? _endReason;
    private long _lastTraffic = Stopwatch.GetTimestamp();
    private ISessionOwner _owner = ISessionOwner.None;

    public SessionIo(LoginIdentity identity, EstablishedConnection connection, Published<LunMap> luns, BufferPool buffers, ItNexus nexus, IdleSpin spin)
    {
        Identity = identity;
        Nexus = nexus;
        _connection = connection;
        _socket = new SessionSocket(connection.Socket);
        _executor = new SessionExecutor(luns, nexus, this);
        _machine = new SessionMachine(connection.Parameters, _executor, connection.Directory, this, buffers);
        _spinner = new Spinner(spin);
        _bufferBytes = _machine.MaxPduBytes + ReadAheadBytes;
        Completion = CompleteAsync();
    }

    public LoginIdentity Identity { get; }

    public ItNexus Nexus { get; }

    public DateTimeOffset Since { get; } = DateTimeOffset.UtcNow;

    /// <summary>What its login agreed upon.</summary>
    public SessionParameters Parameters => _connection.Parameters;

    public ushort PortalGroupTag => _connection.Parameters.PortalGroupTag;

    /// <summary>Ends when the thread has gone, the socket is closed and every command in hand has returned.</summary>
    public Task Completion { get; }

    /// <summary>Why the connection ended: the first reason wins; null while it lives.</summary>
    public string? EndReason => _endReason;

    /// <summary>What the initiator did that ended the connection; null where it was something else, or while it lives.</summary>
    internal SessionFault? Fault => _machine.Fault;

    /// <summary>Time since the last byte from the initiator.</summary>
    public TimeSpan Silence => Stopwatch.GetElapsedTime(Volatile.Read(ref _lastTraffic));

    /// <summary>Whether the initiator has left pings unanswered: it may be slow, or one that never answers (iPXE).</summary>
    public Responsiveness Responsiveness => _machine.UnansweredPings < UnansweredPings ? Responsiveness.Responsive : Responsiveness.Unresponsive;

    /// <summary>Starts the thread. <paramref name="owner"/> hears of what the session must decide.</summary>
    internal void Start(ISessionOwner owner)
    {
        _owner = owner;
        new Thread(Run, StackBytes) { IsBackground = true, Name = "iscsi-" + _connection.Parameters.Tsih }.Start();
    }

    /// <summary>The one way down, idempotent, from any thread: no more input or output, tasks end without status.</summary>
    public void Close(string reason)
    {
        SetReason(reason);
        lock (_sendLock)
        {
            if (_closed)
                return;
            _closed = true;
            if (!_disposed)
                _socket.Wake();
        }
        _machine.Close();
        _executor.CancelAborted();
        if (ReferenceEquals(_owner, ISessionOwner.None))   // no thread was started that could close the socket
            EndThread();
    }

    /// <summary>A NOP-In that asks for an answer, so that a dead peer's TCP stack is noticed.</summary>
    public void SendPing()
    {
        // Output that waits asks the peer's TCP stack already, and pings for one that does not read would become more and more.
        if (_machine.UnsentBytes == 0)
            _machine.SendPing();
    }

    /// <summary>Asks the initiator to log out (RFC 7143 clause 11.9.1, event 1).</summary>
    /// <param name="patience">How long it has; whole seconds.</param>
    internal void AskForLogout(TimeSpan patience) =>
        _machine.SendAsyncMessage(AsyncEvent.LogoutRequest, 0, [], parameter3: (ushort)patience.TotalSeconds);

    /// <summary>
    /// Tells that LUNs came or went: by a unit attention on every LUN, and by an Async Message with the same sense (RFC 7143 clause 11.9.1, event 0),
    /// which lets open-iscsi scan by itself.
    /// </summary>
    internal void ReportLunsChanged()
    {
        Nexus.Raise(UnitAttention.ReportedLunsChanged);
        _machine.SendAsyncMessage(AsyncEvent.Scsi, 0, Qcow2Target.Scsi.Sense.SenseData.Attention(UnitAttention.ReportedLunsChanged).Encode(SenseFormat.Fixed));
    }

    /// <summary>Aborts the tasks of one LUN, however their PDUs spell it (peripheral or flat addressing), or of all where it is null.</summary>
    /// <param name="lunField">The LUN field of a task management function.</param>
    /// <param name="beforeCmdSn">Only tasks before that; null for all.</param>
    internal AbortResult AbortLun(ulong? lunField, uint? beforeCmdSn)
    {
        if (lunField is not { } field || !LunField.TryDecode(field, out var lun))
            return Abort(Narrow(TaskFilter.All));
        var usual = Abort(Narrow(TaskFilter.ByLun(LunField.Encode(lun))));
        var flat = Abort(Narrow(TaskFilter.ByLun(LunField.EncodeFlat(lun))));
        return new AbortResult(usual.Count + flat.Count, Task.WhenAll(usual.Quiet, flat.Quiet));

        TaskFilter Narrow(TaskFilter filter) => beforeCmdSn is { } cmdSn ? filter.Before(cmdSn) : filter;
    }

    internal AbortResult Abort(TaskFilter filter)
    {
        var result = _machine.AbortTasks(filter);
        _executor.CancelAborted();
        return result;
    }

    public void OutputReady()
    {
        Send();
        if (_unsent || _machine.HasParkedWork || _machine.IsFinished)
        {
            lock (_sendLock)
            {
                if (!_disposed)
                    _socket.Wake();
            }
        }
    }

    public void LogoutRequested(LogoutRequest request) => _owner.LogoutRequested(request);

    public void TaskManagementRequested(TaskManagementRequest request) => _owner.TaskManagementRequested(request);

    public void ExecutorFailed(Exception cause) => _owner.ExecutorFailed(cause);

    public void Dispose() => Close("disposed");

    private void SetReason(string reason) => Interlocked.CompareExchange(ref _endReason, reason, null);

    private async Task CompleteAsync()
    {
        await _threadEnded.Task.ConfigureAwait(false);
        await _machine.Completion.ConfigureAwait(false);
        Nexus.Close();
    }

    private void Run()
    {
        try
        {
            Serve();
        }
        catch (SocketException e)
        {
            SetReason(e.Message);
        }
#pragma warning disable CA1031 // a fault of one connection must not end the process
        catch (Exception e)
        {
            SetReason("internal fault: " + e.Message);
            _owner.ExecutorFailed(e);
        }
#pragma warning restore CA1031
        finally
        {
            // Reservations stay until no task of the nexus runs; a medium may be taken out at once, and an initiator that is back may want to.
            Nexus.AllowRemoval();
            Close("the connection ended");
            _executor.CancelAborted();   // a send that failed has closed the machine, and no more
            EndThread();
            _owner.ConnectionEnded();
        }
    }

    private void EndThread()
    {
        lock (_sendLock)
        {
            _disposed = true;
            _socket.Dispose();
        }
        GiveBufferBack();
        _threadEnded.TrySetResult();
    }

    private void Serve()
    {
        _kept = _connection.Unread.ToArray();
        TakeBuffer();
        while (!_closed)
        {
            var state = ReceiveState.NeedInput;
            if (_end > _start)
            {
                var result = _machine.Receive(_buffer.AsSpan(_start, _end - _start));
                _start += result.Consumed;
                state = result.State;
            }
            Send();
            while (!_unsent && _machine.HasParkedWork)
            {
                _machine.Pump();
                Send();
            }
            if (_machine.IsFinished)
            {
                SetReason(Describe(_machine.Fault));
                return;
            }
            if (state == ReceiveState.FlushOutput)
                continue;
            if (state == ReceiveState.Ended)
                AwaitOutput();
            else if (!Fill())
                return;
        }
    }

    /// <summary>Receives at least one byte, or returns because there is other work. False: the peer is gone.</summary>
    private bool Fill()
    {
        MakeRoom();
        while (!_closed)
        {
            var received = Receive();
            if (received > 0)
                return true;
            if (received == 0)
            {
                SetReason("the initiator closed the connection");
                return false;
            }
            if (!_unsent && _spinner.TrySpin(this))
                return true;
            if (!AwaitInput())
                return true;
        }
        return false;
    }

    private void MakeRoom()
    {
        TakeBuffer();
        if (_start == _end)
        {
            _start = _end = 0;
        }
        else if (_buffer.Length - _start < _machine.MaxPduBytes)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }
    }

    private int Receive()
    {
        var received = _socket.Receive(_buffer.AsSpan(_end));
        if (received > 0)
        {
            _end += received;
            Volatile.Write(ref _lastTraffic, Stopwatch.GetTimestamp());
        }
        return received;
    }

    /// <summary>For the spinner: true where bytes came.</summary>
    internal bool TryReceiveMore() => Receive() > 0;

    /// <summary>Sends what is laid out as far as the peer takes it. Any thread, never blocks.</summary>
    private void Send()
    {
        lock (_sendLock)
        {
            try
            {
                while (!_closed && _machine.TryPeekOutput(out var bytes))
                {
                    var sent = _socket.Send(bytes.Span);
                    if (sent == SocketCalls.WouldBlock)
                    {
                        _unsent = true;
                        return;
                    }
                    _machine.Advance(sent);
                }
                _unsent = false;
            }
            catch (SocketException e)
            {
                SetReason("sending failed: " + e.Message);
                _closed = true;
                _machine.Close();
                if (!_disposed)
                    _socket.Wake();
            }
        }
    }

    /// <summary>Sleeps until there is input (true) or other work (false).</summary>
    private bool AwaitInput()
    {
        while (true)
        {
            var wanted = _unsent ? SocketReady.Readable | SocketReady.Writable : SocketReady.Readable;
            var ready = _socket.Wait(wanted, _buffer is null ? -1 : IdleMilliseconds);
            if (ready == SocketReady.Nothing)
            {
                // The beginning of a PDU, whose rest may never come, does not hold a buffer that takes the largest.
                if (_end - _start <= _bufferBytes / 4)
                    GiveBufferBack();
                continue;
            }
            TakeBuffer();
            return (ready & (SocketReady.Woken | SocketReady.Writable)) == 0;
        }
    }

    /// <summary>No input is taken any more: sleeps until output can go on.</summary>
    private void AwaitOutput()
    {
        var ready = _socket.Wait(_unsent ? SocketReady.Writable : SocketReady.Nothing, IdleMilliseconds);
        if ((ready & SocketReady.Broken) != 0)
            Close("the initiator closed the connection");
    }

    [MemberNotNull(nameof(_buffer))]
    private void TakeBuffer()
    {
        if (_buffer is not null)
            return;
        _buffer = ReceiveBuffers.Rent(_bufferBytes);
        _kept.CopyTo(_buffer, 0);
        _start = 0;
        _end = _kept.Length;
        _kept = [];
    }

    private void GiveBufferBack()
    {
        if (_buffer is null)
            return;
        _kept = _buffer.AsSpan(_start, _end - _start).ToArray();
        ReceiveBuffers.Return(_buffer);
        _buffer = null;
        _start = _end = 0;
    }

    private static string Describe(SessionFault? fault) =>
        fault is null ? "logout" : $"protocol fault {fault.Reason}, opcode 0x{fault.Opcode:x2}, value {fault.Value}";
}

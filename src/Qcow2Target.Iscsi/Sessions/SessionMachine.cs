using Qcow2Target.Iscsi.Buffers;
using Qcow2Target.Iscsi.Framing;
using Qcow2Target.Iscsi.Login;
using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Iscsi.Text;

namespace Qcow2Target.Iscsi.Sessions;

/// <summary>
/// The full-feature phase of one session on its one connection (MaxConnections 1, ERL 0): bytes in, bytes out, no socket.
/// <para>Threads: <see cref="Receive"/> and <see cref="Pump"/> on the connection's thread; <see cref="TryPeekOutput"/> and <see cref="Advance"/> on any
/// thread, one at a time (the owner's send lock); everything else on any thread at any time.</para>
/// </summary>
public sealed class SessionMachine
{
    private readonly SessionCore _core;
    private readonly ISessionEvents _events;
    private readonly PduScanner _scanner;
    private readonly TextExchange _text;
    private readonly CommandPath _commands;
    private SessionFault? _fault;
    private bool _isInputOver;
    private volatile bool _isLogoutAsked;
    private int _managementRequests;
    private int _rejects;
    private int _unansweredPings;
    private uint _pingTag;

    public SessionMachine(SessionParameters parameters, ICommandExecutor executor, ITargetDirectory directory, ISessionEvents events, BufferPool buffers)
    {
        if (parameters.SessionType != SessionType.Normal) throw new ArgumentException("A discovery session has no tasks.", nameof(parameters));
        _events = events;
        _core = new SessionCore(parameters, executor, events, buffers);
        _commands = new CommandPath(_core);
        _scanner = new PduScanner(_core.Digests, parameters.MaxRecvDataSegmentLength, IscsiLimits.MaxAdditionalHeaderBytes);
        _text = new TextExchange(parameters, directory);
    }

    public SessionParameters Parameters => _core.Parameters;

    /// <summary>Bytes that the owner's receive buffer must be able to hold: the largest PDU.</summary>
    public int MaxPduBytes => _scanner.MaxPduBytes;

    /// <summary>Commands that wait for output to be sent, or for memory.</summary>
    public int ParkedCount => _core.ParkedCount;

    /// <summary>True while some of what is parked can go on: the connection's thread calls <see cref="Pump"/> as long as this is true.</summary>
    public bool HasParkedWork => _core.MayUnpark;

    /// <summary>Bytes of output that are not sent yet.</summary>
    public int UnsentBytes => _core.Outbox.UnsentBytes;

    /// <summary>True when the last PDU (Logout Response, or what preceded a fault) has been sent: close the socket and call <see cref="Close"/>.</summary>
    public bool IsFinished
    {
        get
        {
            lock (_core.Gate) return _core.IsClosed || (_core.Outbox.IsSealed && _core.Outbox.UnsentBytes == 0);
        }
    }

    /// <summary>Why no more input is taken; null as long as it is, and after a logout.</summary>
    public SessionFault? Fault => Volatile.Read(ref _fault);

    /// <summary>Tasks alive (not aborted, not answered).</summary>
    public int TaskCount
    {
        get
        {
            lock (_core.Gate) return _core.Tasks.AliveCount;
        }
    }

    /// <summary>Pings sent by <see cref="SendPing"/> since the last one that was answered.</summary>
    public int UnansweredPings => Volatile.Read(ref _unansweredPings);

    /// <summary>Ends after <see cref="Close"/>, when every operation of the executor has returned and every buffer is back.</summary>
    public Task Completion => _core.Completion;

    /// <summary>
    /// Handles the complete PDUs at the start of <paramref name="input"/>, which starts at a PDU's first byte. The bytes are not touched after the call.
    /// </summary>
    public ReceiveResult Receive(ReadOnlySpan<byte> input)
    {
        var consumed = 0;
        _core.Enter();
        try
        {
            while (!_isInputOver && !_core.IsClosed)
            {
                // Only what an initiator sends without reading the answers can come to this.
                if (_core.Outbox.UnsentBytes >= IscsiLimits.MaxUnsentBytes + IscsiLimits.MaxQueuedSmallBytes)
                {
                    Break(new SessionFault(SessionFaultReason.OutputOverflow, 0, _core.Outbox.UnsentBytes));
                    lock (_core.Gate) _core.Outbox.Drop();
                    break;
                }

                switch (_scanner.Scan(input[consumed..], out var frame))
                {
                    case ScanState.NeedMore:
                        return new ReceiveResult(consumed, ReceiveState.NeedInput);
                    case ScanState.Broken:
                        Break(SessionFault.From(_scanner, input[consumed..]));
                        break;
                    default:
                        consumed += frame.Length;
                        Handle(frame);
                        if (_core.Batch.ProducedBytes >= IscsiLimits.OutputFlushBytes) return new ReceiveResult(consumed, ReceiveState.FlushOutput);
                        break;
                }
            }

            return new ReceiveResult(consumed, ReceiveState.Ended);
        }
        finally
        {
            _core.Exit();
        }
    }

    /// <summary>Goes on with what was parked, as far as there is room. Then send, and look at <see cref="HasParkedWork"/> again.</summary>
    public void Pump()
    {
        _core.Enter();
        try
        {
            for (var left = _core.ParkedCount; left > 0 && _core.TryUnpark() is { } task; left--)
            {
                if (task.Plan == TaskPlan.Read) _core.Reads.Continue(task);
                else _core.Writes.GoOn(task);
            }
        }
        finally
        {
            _core.Exit();
        }
    }

    /// <summary>The next bytes to send, or false. They stay valid and the same until <see cref="Advance"/>.</summary>
    public bool TryPeekOutput(out ReadOnlyMemory<byte> bytes)
    {
        lock (_core.Gate) return _core.Outbox.TryPeek(out bytes);
    }

    /// <summary>The first <paramref name="count"/> bytes of what was peeked have been sent.</summary>
    public void Advance(int count)
    {
        lock (_core.Gate) _core.Outbox.Advance(count);
    }

    /// <summary>Sends a NOP-In that asks for an answer (keepalive).</summary>
    public void SendPing()
    {
        lock (_core.Gate)
        {
            _pingTag = _pingTag + 1 == BasicHeader.NoTag ? 0 : _pingTag + 1;
            _core.Outbox.Put(new NopInPdu { InitiatorTaskTag = BasicHeader.NoTag, TargetTransferTag = _pingTag }, []);
        }

        Interlocked.Increment(ref _unansweredPings);
        _core.RaiseOutputReady();
    }

    /// <summary>Sends an Async Message (RFC 7143 11.9). <paramref name="sense"/> goes with <see cref="AsyncEvent.Scsi"/> only.</summary>
    public void SendAsyncMessage(AsyncEvent asyncEvent, ulong lun, ReadOnlySpan<byte> sense, ushort parameter1 = 0, ushort parameter2 = 0, ushort parameter3 = 0)
    {
        var data = new byte[sense.IsEmpty ? 0 : sizeof(ushort) + sense.Length];
        if (data.Length > 0)
        {
            data[0] = (byte)(sense.Length >> 8);
            data[1] = (byte)sense.Length;
            sense.CopyTo(data.AsSpan(sizeof(ushort)));
        }

        var message = new AsyncMessagePdu
        {
            Lun = lun,
            InitiatorTaskTag = BasicHeader.NoTag,
            Event = asyncEvent,
            Parameter1 = parameter1,
            Parameter2 = parameter2,
            Parameter3 = parameter3,
        };
        if (asyncEvent == AsyncEvent.LogoutRequest) _isLogoutAsked = true;
        lock (_core.Gate) _core.Outbox.Put(message, data);
        _core.RaiseOutputReady();
    }

    /// <summary>
    /// Aborts what matches: no status will be sent, running reads are dropped, R2Ts forgotten, writes under way waited for by <see cref="AbortResult.Quiet"/>.
    /// </summary>
    public AbortResult AbortTasks(TaskFilter filter) => _core.Abort(filter);

    /// <summary>The one way down, idempotent: everything is aborted, no more input or output.</summary>
    public void Close() => _core.Close();

    internal void RespondTaskManagement(TaskManagementRequest request, TaskManagementResponse response)
    {
        Interlocked.Decrement(ref _managementRequests);
        _core.PutBehindBatch(new TaskManagementResponsePdu { InitiatorTaskTag = request.InitiatorTaskTag, Response = response });
    }

    internal void RespondLogout(uint initiatorTaskTag, LogoutResponseCode response)
    {
        lock (_core.Gate)
        {
            _core.Outbox.Put(
                new LogoutResponsePdu
                {
                    Response = response,
                    InitiatorTaskTag = initiatorTaskTag,
                    Time2Wait = (ushort)Parameters.DefaultTime2Wait,
                    Time2Retain = (ushort)Parameters.DefaultTime2Retain,
                },
                []);
            _core.Outbox.Seal();
        }

        _core.RaiseOutputReady();
    }

    private void Handle(in PduFrame frame)
    {
        if (!frame.DataDigestHolds && frame.Opcode != Opcode.DataOut)
        {
            // What carries a CmdSN counts as not received, and at ERL 0 nobody sends it again.
            if (frame.IsImmediate && frame.Opcode != Opcode.ScsiCommand) Reject(frame, RejectReason.DataDigestError);
            else Break(new SessionFault(SessionFaultReason.DataDigest, (byte)frame.Opcode, frame.Data.Length));
            return;
        }

        if (IsOrdered(frame))
        {
            lock (_core.Gate)
            {
                if (!_core.Window.TryReceive(BasicHeader.CmdSn(frame.Header)))
                {
                    // Ignored with all that follows it.
                    if (frame.Opcode == Opcode.ScsiCommand) _core.Tasks.Remember(frame.InitiatorTaskTag);
                    return;
                }

                // Together with the number: nobody may stamp a window that counts the one and not the other.
                if (frame.Opcode == Opcode.ScsiCommand) _core.Window.TakeSlot();
            }
        }

        var rejected = frame.Opcode switch
        {
            Opcode.ScsiCommand when _isLogoutAsked => RefuseBeforeLogout(frame),
            Opcode.ScsiCommand => _commands.Take(frame),
            Opcode.DataOut => DataOut(frame),
            Opcode.NopOut => NopOut(frame),
            Opcode.TextRequest => Text(frame),
            Opcode.TaskManagementRequest => Manage(frame),
            Opcode.LogoutRequest => Logout(frame),
            Opcode.SnackRequest => RejectReason.SnackReject,
            Opcode.LoginRequest => RejectReason.ProtocolError,
            _ => RejectReason.CommandNotSupported,
        };
        if (rejected is { } reason) Reject(frame, reason);
        else if (frame.Opcode != Opcode.DataOut) _rejects = 0;
    }

    // A NOP-Out without a task tag only answers a ping: it carries no CmdSN of its own.
    private static bool IsOrdered(in PduFrame frame) => !frame.IsImmediate && frame.Opcode switch
    {
        Opcode.ScsiCommand or Opcode.TaskManagementRequest or Opcode.TextRequest or Opcode.LogoutRequest => true,
        Opcode.NopOut => frame.InitiatorTaskTag != BasicHeader.NoTag,
        _ => false,
    };

    // What was begun goes on to its end; nothing new begins (RFC 7143 11.9.1, event 1).
    private RejectReason RefuseBeforeLogout(in PduFrame frame) => _commands.Refuse(ScsiCommandPdu.Parse(frame.Header), RejectReason.WaitingForLogout);

    private RejectReason? DataOut(in PduFrame frame)
    {
        if (_core.TakeInHand(frame.InitiatorTaskTag, out var wasRecent) is not { } task) return wasRecent ? null : RejectReason.InvalidPduField;
        if (task.IsWrite)
        {
            _core.Writes.Receive(task, DataOutPdu.Parse(frame.Header), frame);
            return null;
        }

        _core.Leave(task);
        return RejectReason.ProtocolError;
    }

    private RejectReason? NopOut(in PduFrame frame)
    {
        var pdu = NopOutPdu.Parse(frame.Header);
        if (pdu.InitiatorTaskTag == BasicHeader.NoTag)
        {
            if (pdu.TargetTransferTag != BasicHeader.NoTag) Volatile.Write(ref _unansweredPings, 0);
            return null;
        }

        var echo = frame.Data[..Math.Min(frame.Data.Length, _text.PeerMaxRecvDataSegmentLength)];
        _core.Batch.Put(new NopInPdu { Lun = pdu.Lun, InitiatorTaskTag = pdu.InitiatorTaskTag, TargetTransferTag = BasicHeader.NoTag }, echo);
        return null;
    }

    private RejectReason? Text(in PduFrame frame)
    {
        var answer = _text.Take(TextRequestPdu.Parse(frame.Header), frame.Data);
        if (answer.Rejected is not null) return answer.Rejected;
        _core.Shape = new DataInShape(_text.PeerMaxRecvDataSegmentLength, Parameters.MaxBurstLength);
        _core.Batch.Put(answer.Response, answer.Text);
        return null;
    }

    private RejectReason? Manage(in PduFrame frame)
    {
        var pdu = TaskManagementRequestPdu.Parse(frame.Header);
        if (pdu.InitiatorTaskTag == BasicHeader.NoTag) return RejectReason.InvalidPduField;
        Interlocked.Increment(ref _managementRequests);
        var request = new TaskManagementRequest(this)
        {
            Function = pdu.Function,
            Lun = pdu.Lun,
            InitiatorTaskTag = pdu.InitiatorTaskTag,
            ReferencedTaskTag = pdu.ReferencedTaskTag,
            CmdSn = pdu.CmdSn,
        };

        // What was answered before the function goes out before its response, whoever sends that.
        _core.Batch.Commit();
        if (_managementRequests > IscsiLimits.MaxTaskManagementRequests) request.Respond(TaskManagementResponse.Rejected);
        else if (pdu.Function == TaskManagementFunction.TaskReassign) request.Respond(TaskManagementResponse.ReassignmentNotSupported);
        else if (!Enum.IsDefined(pdu.Function)) request.Respond(TaskManagementResponse.NotSupported);
        else if (pdu.Function == TaskManagementFunction.AbortTask && TryGiveUp(pdu)) request.Respond(TaskManagementResponse.Complete);
        else _core.Executor.Manage(request);
        return null;
    }

    // Here and not by the executor: what follows the function on the wire may be the next number.
    private bool TryGiveUp(in TaskManagementRequestPdu pdu)
    {
        lock (_core.Gate) return _core.Tasks.Find(pdu.ReferencedTaskTag) is null && _core.Window.TryGiveUp(pdu.RefCmdSn, pdu.CmdSn);
    }

    private RejectReason? Logout(in PduFrame frame)
    {
        var pdu = LogoutRequestPdu.Parse(frame.Header);
        if (pdu.InitiatorTaskTag == BasicHeader.NoTag || !Enum.IsDefined(pdu.Reason)) return RejectReason.InvalidPduField;
        var refusal = pdu.Reason switch
        {
            LogoutReason.CloseSession => LogoutResponseCode.Success,
            LogoutReason.CloseConnection when pdu.ConnectionId == Parameters.ConnectionId => LogoutResponseCode.Success,
            LogoutReason.CloseConnection => LogoutResponseCode.ConnectionNotFound,
            _ => LogoutResponseCode.RecoveryNotSupported,
        };
        if (refusal != LogoutResponseCode.Success)
        {
            _core.Batch.Put(new LogoutResponsePdu { Response = refusal, InitiatorTaskTag = pdu.InitiatorTaskTag }, []);
            return null;
        }

        _isInputOver = true;
        _core.Batch.Commit();
        var quiet = _core.Abort(TaskFilter.All).Quiet;
        _events.LogoutRequested(new LogoutRequest(this, pdu.InitiatorTaskTag, quiet));
        return null;
    }

    private void Reject(in PduFrame frame, RejectReason reason)
    {
        _core.Batch.Put(new RejectPdu { Reason = reason, InitiatorTaskTag = BasicHeader.NoTag }, frame.Header);
        if (++_rejects >= IscsiLimits.MaxRejectsInARow) Break(new SessionFault(SessionFaultReason.TooManyRejects, (byte)frame.Opcode, (long)reason));
    }

    // What was answered so far still goes out; tasks are ended by Close.
    private void Break(SessionFault fault)
    {
        _isInputOver = true;
        _core.Batch.Commit();
        lock (_core.Gate) _core.Outbox.Seal();
        Volatile.Write(ref _fault, fault);
    }
}

/// <summary>Event of an Async Message (RFC 7143 11.9.1).</summary>
public enum AsyncEvent : byte
{
    Scsi = 0,
    LogoutRequest = 1,
    DropConnection = 2,
    DropAllConnections = 3,
    Renegotiate = 4,
}

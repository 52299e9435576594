using System.Buffers.Binary;
using System.Net;
using System.Text;
using Qcow2Target.Iscsi.Login;
using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Iscsi.Sequencing;
using Qcow2Target.Iscsi.Sessions;

namespace Qcow2Target.Testing;

/// <summary>
/// An initiator for tests: one session on one connection. Commands may be started many at once and from many tasks; whoever waits for an
/// answer reads the connection for all. What is not an answer (Rejects, Async Messages, pings) is kept in <see cref="Unsolicited"/>.
/// For what no well-behaved initiator sends, use <see cref="Connection"/>.
/// </summary>
public sealed class ScriptedInitiator : IAsyncDisposable
{
    /// <summary>Block size that <see cref="ReadBlocksAsync"/> and <see cref="WriteBlocksAsync"/> count in.</summary>
    public const int BlockBytes = 512;

    private readonly Dictionary<uint, ScriptedInitiatorCommand> _commands = [];
    private readonly Dictionary<uint, ScriptedInitiatorPdu?> _replies = [];
    private readonly SemaphoreSlim _receiving = new(1, 1);
    private readonly SemaphoreSlim _sending = new(1, 1);
    private uint _nextTag = 1;
    private uint _expStatSn;
    private uint _maxCmdSn;

    private ScriptedInitiator(ScriptedInitiatorConnection connection) => Connection = connection;

    public ScriptedInitiatorConnection Connection { get; }

    /// <summary>What was agreed: null before the login.</summary>
    public ScriptedInitiatorLoginOutcome? Login { get; private set; }

    /// <summary>CmdSN of the next command.</summary>
    public uint CmdSn { get; set; }

    /// <summary>Last MaxCmdSN seen.</summary>
    public uint MaxCmdSn => Volatile.Read(ref _maxCmdSn);

    /// <summary>False: pings stay unanswered, as with iPXE.</summary>
    public bool AnswersPings { get; set; } = true;

    /// <summary>How long to wait for any one PDU.</summary>
    public TimeSpan Limit { get; set; } = ScriptedInitiatorConnection.DefaultLimit;

    /// <summary>PDUs that answer nothing, in order.</summary>
    public List<ScriptedInitiatorPdu> Unsolicited { get; } = [];

    public static async Task<ScriptedInitiator> ConnectAsync(EndPoint target) => new(await ScriptedInitiatorConnection.ConnectAsync(target));

    /// <summary>Connects and logs in. A refused login is an exception.</summary>
    public static async Task<ScriptedInitiator> LogInAsync(EndPoint target, ScriptedInitiatorLogin login)
    {
        var initiator = await ConnectAsync(target);
        var outcome = await initiator.LogInAsync(login);
        if (outcome.LoginStatus == LoginStatus.Success) return initiator;
        await initiator.DisposeAsync();
        throw new IOException($"Login refused: {outcome.LoginStatus}.");
    }

    /// <summary>Logs in by one request from the operational stage to full feature.</summary>
    public async Task<ScriptedInitiatorLoginOutcome> LogInAsync(ScriptedInitiatorLogin login)
    {
        var request = new LoginRequestPdu
        {
            IsTransit = true,
            CurrentStage = LoginStage.LoginOperationalNegotiation,
            NextStage = LoginStage.FullFeature,
            Isid = login.Isid,
            Tsih = login.Tsih,
            ConnectionId = login.ConnectionId,
            CmdSn = login.CmdSn,
        };
        await Connection.SendAsync(request, login.Text());
        var text = new List<byte>();
        while (true)
        {
            var pdu = await Connection.ReceiveAsync(Limit);
            var response = pdu.As<LoginResponsePdu>();
            text.AddRange(pdu.Data);
            if (response.LoginStatus == LoginStatus.Success && !response.IsTransit)
            {
                await Connection.SendAsync(request);
                continue;
            }

            Login = new ScriptedInitiatorLoginOutcome(response.LoginStatus, ParseKeys([.. text]), response.Tsih);
            CmdSn = login.CmdSn;
            _maxCmdSn = response.MaxCmdSn;
            _expStatSn = response.StatSn + 1;
            if (response.LoginStatus == LoginStatus.Success) Connection.UseDigests(Login.Digests);
            return Login;
        }
    }

    /// <summary>Sends a SCSI command with as much data as was agreed to go unasked, and returns while it runs.</summary>
    public async Task<ScriptedInitiatorCommand> StartAsync(
        ulong lun, ReadOnlyMemory<byte> cdb, ReadOnlyMemory<byte> dataOut = default, int readLength = 0, uint? expectedLength = null)
    {
        await WaitForWindowAsync();
        await _sending.WaitAsync();
        try
        {
            var command = new ScriptedInitiatorCommand(_nextTag++, dataOut, readLength);
            lock (_commands) _commands.Add(command.InitiatorTaskTag, command);
            var firstBurst = Math.Min(dataOut.Length, Login!.Number("FirstBurstLength", 65536));
            var immediate = Login.IsYes("ImmediateData", true) ? Math.Min(firstBurst, MaxSegmentBytes) : 0;
            var unsolicited = Login.IsYes("InitialR2T", true) ? immediate : firstBurst;
            await Connection.SendAsync(
                new ScsiCommandPdu
                {
                    IsFinal = unsolicited == immediate,
                    IsRead = readLength > 0,
                    IsWrite = dataOut.Length > 0,
                    Attribute = TaskAttribute.Simple,
                    Lun = lun,
                    InitiatorTaskTag = command.InitiatorTaskTag,
                    ExpectedDataTransferLength = expectedLength ?? (uint)Math.Max(dataOut.Length, readLength),
                    CmdSn = CmdSn++,
                    ExpStatSn = _expStatSn,
                    Cdb = First16(cdb.Span),
                },
                dataOut[..immediate],
                ExtendedCdb(cdb.Span));
            if (unsolicited > immediate) await SendDataAsync(command, BasicHeader.NoTag, lun, immediate, unsolicited - immediate);
            return command;
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>Waits for the end of a command, serving whatever comes meanwhile.</summary>
    public async Task<ScriptedInitiatorResult> FinishAsync(ScriptedInitiatorCommand command)
    {
        await ServeUntilAsync(() => command.Result is not null);
        return command.Result!;
    }

    /// <summary>A command from start to end.</summary>
    public async Task<ScriptedInitiatorResult> ScsiCommandAsync(
        ulong lun, ReadOnlyMemory<byte> cdb, ReadOnlyMemory<byte> dataOut = default, int readLength = 0, uint? expectedLength = null)
        => await FinishAsync(await StartAsync(lun, cdb, dataOut, readLength, expectedLength));

    /// <summary>READ(16) of whole blocks; throws unless GOOD.</summary>
    public async Task<byte[]> ReadBlocksAsync(ulong lun, long firstBlock, int blocks)
        => (await ScsiCommandAsync(lun, Cdb16(0x88, firstBlock, blocks), readLength: blocks * BlockBytes)).ThrowUnlessGood().Data;

    /// <summary>WRITE(16) of whole blocks; throws unless GOOD.</summary>
    public async Task WriteBlocksAsync(ulong lun, long firstBlock, ReadOnlyMemory<byte> data)
        => (await ScsiCommandAsync(lun, Cdb16(0x8A, firstBlock, data.Length / BlockBytes), data)).ThrowUnlessGood();

    /// <summary>Pings and returns the echo.</summary>
    public async Task<byte[]> NopAsync(ReadOnlyMemory<byte> ping = default)
    {
        var tag = await SendTaggedAsync(Delivery.Ordered, (tag, sn, stat) => Connection.SendAsync(
            new NopOutPdu { InitiatorTaskTag = tag, TargetTransferTag = BasicHeader.NoTag, CmdSn = sn, ExpStatSn = stat }, ping));
        var reply = await ReplyAsync(tag);
        _ = reply.As<NopInPdu>();
        return reply.Data;
    }

    /// <summary>A Text Request of whole keys, from first to last piece of the answer. A Reject is an exception.</summary>
    public async Task<string> TextAsync(string keys)
    {
        var tag = await SendTaggedAsync(Delivery.Ordered, (tag, sn, stat) => Connection.SendAsync(
            new TextRequestPdu { IsFinal = true, InitiatorTaskTag = tag, TargetTransferTag = BasicHeader.NoTag, CmdSn = sn, ExpStatSn = stat },
            Encoding.UTF8.GetBytes(keys)));
        var answer = new List<byte>();
        while (true)
        {
            var reply = await ReplyAsync(tag);
            var response = reply.As<TextResponsePdu>();
            answer.AddRange(reply.Data);
            if (response.IsFinal) return Encoding.UTF8.GetString([.. answer]);
            await SendTaggedAsync(
                Delivery.Ordered,
                (_, sn, stat) => Connection.SendAsync(new TextRequestPdu
                {
                    IsFinal = true,
                    InitiatorTaskTag = tag,
                    TargetTransferTag = response.TargetTransferTag,
                    CmdSn = sn,
                    ExpStatSn = stat,
                }),
                tag);
        }
    }

    /// <summary>A task management function, immediate as usual; returns the response code.</summary>
    public async Task<TaskManagementResponse> ManageAsync(TaskManagementFunction function, ulong lun = 0, uint referencedTaskTag = BasicHeader.NoTag)
    {
        var tag = await SendTaggedAsync(Delivery.Immediate, (tag, sn, stat) => Connection.SendAsync(new TaskManagementRequestPdu
        {
            IsImmediate = true,
            Function = function,
            Lun = lun,
            InitiatorTaskTag = tag,
            ReferencedTaskTag = referencedTaskTag,
            CmdSn = sn,
            ExpStatSn = stat,
        }));
        return (await ReplyAsync(tag)).As<TaskManagementResponsePdu>().Response;
    }

    /// <summary>Logs out of the session; then the target closes.</summary>
    public async Task<LogoutResponseCode> LogOutAsync()
    {
        var tag = await SendTaggedAsync(Delivery.Immediate, (tag, sn, stat) => Connection.SendAsync(
            new LogoutRequestPdu { IsImmediate = true, Reason = LogoutReason.CloseSession, InitiatorTaskTag = tag, CmdSn = sn, ExpStatSn = stat }));
        return (await ReplyAsync(tag)).As<LogoutResponsePdu>().Response;
    }

    /// <summary>Serves the connection until a PDU that answers nothing has come that fits, and takes it out of <see cref="Unsolicited"/>.</summary>
    public async Task<ScriptedInitiatorPdu> UnsolicitedAsync(Func<ScriptedInitiatorPdu, bool> fits)
    {
        ScriptedInitiatorPdu? found = null;
        await ServeUntilAsync(() =>
        {
            lock (Unsolicited)
            {
                found = Unsolicited.Find(pdu => fits(pdu));
                return found is not null && Unsolicited.Remove(found);
            }
        });
        return found!;
    }

    /// <summary>Sends the Data-Out PDUs of one sequence.</summary>
    public async Task SendDataAsync(ScriptedInitiatorCommand command, uint targetTransferTag, ulong lun, int offset, int length)
    {
        uint dataSn = 0;
        for (var sent = 0; sent < length;)
        {
            var bytes = Math.Min(length - sent, MaxSegmentBytes);
            await Connection.SendAsync(
                new DataOutPdu
                {
                    IsFinal = sent + bytes == length,
                    Lun = lun,
                    InitiatorTaskTag = command.InitiatorTaskTag,
                    TargetTransferTag = targetTransferTag,
                    ExpStatSn = _expStatSn,
                    DataSn = dataSn++,
                    BufferOffset = (uint)(offset + sent),
                },
                command.DataOut.Slice(offset + sent, bytes));
            sent += bytes;
        }
    }

    /// <summary>A CDB of 16 bytes with an 8-byte LBA at 2 and a 4-byte length at 10.</summary>
    public static byte[] Cdb16(byte opcode, long lba, int blocks)
    {
        var cdb = new byte[16];
        cdb[0] = opcode;
        BinaryPrimitives.WriteInt64BigEndian(cdb.AsSpan(2), lba);
        BinaryPrimitives.WriteInt32BigEndian(cdb.AsSpan(10), blocks);
        return cdb;
    }

    public async ValueTask DisposeAsync()
    {
        await Connection.DisposeAsync();
        _receiving.Dispose();
        _sending.Dispose();
    }

    private enum Delivery
    {
        Ordered,
        Immediate,
    }

    private int MaxSegmentBytes => Login!.Number("MaxRecvDataSegmentLength", 8192);

    private async Task WaitForWindowAsync()
    {
        if (Serial.IsBefore(MaxCmdSn, CmdSn)) await ServeUntilAsync(() => !Serial.IsBefore(MaxCmdSn, CmdSn));
    }

    private async Task<uint> SendTaggedAsync(Delivery delivery, Func<uint, uint, uint, Task> send, uint? tag = null)
    {
        await _sending.WaitAsync();
        try
        {
            var own = tag ?? _nextTag++;
            lock (_commands) _replies[own] = null;
            await send(own, delivery == Delivery.Immediate ? CmdSn : CmdSn++, _expStatSn);
            return own;
        }
        finally
        {
            _sending.Release();
        }
    }

    private async Task<ScriptedInitiatorPdu> ReplyAsync(uint tag)
    {
        ScriptedInitiatorPdu? reply = null;
        await ServeUntilAsync(() =>
        {
            lock (_commands) return _replies.TryGetValue(tag, out reply) && reply is not null;
        });
        lock (_commands) _replies.Remove(tag);
        return reply!;
    }

    private async Task ServeUntilAsync(Func<bool> isDone)
    {
        while (!isDone())
        {
            await _receiving.WaitAsync();
            try
            {
                if (!isDone()) await ServeAsync(await Connection.ReceiveAsync(Limit));
            }
            finally
            {
                _receiving.Release();
            }
        }
    }

    private async Task ServeAsync(ScriptedInitiatorPdu pdu)
    {
        var statSn = BinaryPrimitives.ReadUInt32BigEndian(pdu.Header.AsSpan(24));
        if (Serial.IsBefore(_expStatSn, statSn + 1) && pdu.Opcode is not (Opcode.DataIn or Opcode.ReadyToTransfer)) _expStatSn = statSn + 1;
        Volatile.Write(ref _maxCmdSn, Serial.Latest(_maxCmdSn, BinaryPrimitives.ReadUInt32BigEndian(pdu.Header.AsSpan(32))));
        ScriptedInitiatorCommand? command;
        lock (_commands)
        {
            if (_commands.TryGetValue(pdu.InitiatorTaskTag, out command))
            {
                command.Take(pdu);
                if (command.Result is not null) _commands.Remove(pdu.InitiatorTaskTag);
            }
            else if (_replies.ContainsKey(pdu.InitiatorTaskTag))
            {
                _replies[pdu.InitiatorTaskTag] = pdu;
            }
            else
            {
                lock (Unsolicited) Unsolicited.Add(pdu);
            }
        }

        if (command is { AnswersReadyToTransfer: true } && pdu.Opcode == Opcode.ReadyToTransfer)
        {
            var r2t = pdu.As<ReadyToTransferPdu>();
            await SendDataAsync(command, r2t.TargetTransferTag, r2t.Lun, (int)r2t.BufferOffset, (int)r2t.DesiredDataTransferLength);
        }

        if (AnswersPings && pdu.Opcode == Opcode.NopIn && pdu.InitiatorTaskTag == BasicHeader.NoTag && pdu.As<NopInPdu>().TargetTransferTag != BasicHeader.NoTag)
        {
            var ping = pdu.As<NopInPdu>();
            await Connection.SendAsync(new NopOutPdu
            {
                IsImmediate = true,
                Lun = ping.Lun,
                InitiatorTaskTag = BasicHeader.NoTag,
                TargetTransferTag = ping.TargetTransferTag,
                CmdSn = CmdSn,
                ExpStatSn = _expStatSn,
            });
        }
    }

    private static Dictionary<string, string> ParseKeys(byte[] text)
        => TextPairs.TryParse(text, out var pairs, out var problem)
            ? pairs.ToDictionary(pair => pair.Key, pair => pair.Value)
            : throw new InvalidDataException($"The target's text: {problem}.");

    private static UInt128 First16(ReadOnlySpan<byte> cdb)
    {
        Span<byte> padded = stackalloc byte[16];
        padded.Clear();
        cdb[..Math.Min(cdb.Length, 16)].CopyTo(padded);
        return BinaryPrimitives.ReadUInt128BigEndian(padded);
    }

    private static byte[] ExtendedCdb(ReadOnlySpan<byte> cdb)
    {
        if (cdb.Length <= 16) return [];
        var rest = cdb[16..];
        var ahs = new byte[(4 + rest.Length + 3) & ~3];
        BinaryPrimitives.WriteUInt16BigEndian(ahs, (ushort)(rest.Length + 1));
        ahs[2] = 1;
        rest.CopyTo(ahs.AsSpan(4));
        return ahs;
    }
}

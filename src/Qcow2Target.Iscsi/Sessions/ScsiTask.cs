using Qcow2Target.Iscsi.Buffers;
using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Iscsi.Sequencing;

namespace Qcow2Target.Iscsi.Sessions;

/// <summary>
/// One SCSI command of a session, from its admission until its status has been laid out or it was aborted and is quiet. Pooled by the session's machine.
/// The command's fields are fixed from <see cref="ICommandExecutor.Begin"/> to <see cref="ICommandExecutor.Ended"/>. The answering methods may be
/// called from any thread and must be called even where the task was aborted meanwhile: the machine drops the result then.
/// </summary>
public sealed class ScsiTask
{
    private readonly SessionCore _core;
    private readonly byte[] _cdb = new byte[IscsiLimits.MaxCdbBytes];
    private int _cdbLength;
    private volatile TaskState _state;
    private byte[]? _heldSense;
    private int _heldSenseLength;
    private volatile bool _hasHeld;

    internal ScsiTask(SessionCore core) => _core = core;

    /// <summary>The 8-byte LUN field, big-endian, as it stands in the PDU.</summary>
    public ulong Lun { get; private set; }

    /// <summary>The CDB: 16 bytes, or more (at most 260) where the PDU carried an extended CDB.</summary>
    public ReadOnlySpan<byte> Cdb => _cdb.AsSpan(0, _cdbLength);

    public TaskAttribute Attribute { get; private set; }

    /// <summary>EDTL of the PDU, in bytes: what the initiator is ready to send or take.</summary>
    public uint ExpectedDataTransferLength { get; private set; }

    /// <summary>R bit: the initiator takes data.</summary>
    public bool IsRead { get; private set; }

    /// <summary>W bit: the initiator sends data.</summary>
    public bool IsWrite { get; private set; }

    /// <summary>I bit: delivered at once, outside the order of CmdSN.</summary>
    public bool IsImmediate { get; private set; }

    public uint InitiatorTaskTag { get; private set; }

    public uint CmdSn { get; private set; }

    /// <summary>The executor's own; null at <see cref="ICommandExecutor.Begin"/>, forgotten after <see cref="ICommandExecutor.Ended"/>.</summary>
    public object? Context { get; set; }

    /// <summary>True once no status will be sent any more: what is not begun need not be begun. May turn true at any time.</summary>
    public bool IsAborted => _state == TaskState.Aborted;

    internal TaskState State
    {
        get => _state;
        set => _state = value;
    }

    // Under the gate: who has the task in hand. It ends when nobody has.

    /// <summary>Operations under way, the connection's thread included while it handles the task.</summary>
    internal int Operations { get; set; }

    /// <summary>Those of <see cref="Operations"/> that touch only our memory: slow reads, and being parked. An abort does not wait for them.</summary>
    internal int HarmlessOperations { get; set; }

    /// <summary>No more data will be handled: <see cref="Followup.Proceed"/> when nobody has the task in hand.</summary>
    internal bool IsInputClosed { get; set; }

    internal bool IsParked { get; set; }

    /// <summary>Begin was called, so Ended has to be.</summary>
    internal bool HasBegun { get; set; }

    internal List<AbortWaiter>? Waiters { get; set; }

    // The plan, made by Begin.

    internal TaskPlan Plan { get; set; }

    /// <summary>SPDTL: bytes that the CDB implies.</summary>
    internal long ImpliedLength { get; set; }

    /// <summary>Bytes that are really transferred: no more than the initiator expects.</summary>
    internal long TransferLength { get; set; }

    // A read as it goes on.

    internal long ReadPosition { get; set; }

    internal uint DataSn { get; set; }

    internal DataInBuffer SlowRead { get; } = new();

    /// <summary>See <see cref="ReadPath"/>.</summary>
    internal int SlowReadPhase;

    // A write as it goes on. The connection's thread only.

    internal DataOutTracker DataOut { get; } = new();

    internal PooledBuffer? Gathered { get; set; }

    internal long GatheredPosition { get; set; }

    internal int GatheredLength { get; set; }

    internal PooledBuffer? ParameterList { get; set; }

    // As WriteMemory has counted it last.

    internal long HeldBytes { get; set; }

    internal long OutstandingBytes { get; set; }

    internal bool IsMoving { get; set; }

    // The answer that waits until the data is in.

    /// <summary>An answer is decided before its time: it goes out when the data has come to its end, instead of any later one.</summary>
    internal bool HasHeld => _hasHeld;

    internal byte HeldStatus { get; private set; }

    internal ReadOnlySpan<byte> HeldSense => _heldSense.AsSpan(0, _heldSenseLength);

    /// <summary>
    /// Ends the command: residuals are worked out against <see cref="ExpectedDataTransferLength"/>, data beyond it is cut off.
    /// Called in Begin, or after FinishWrite or Execute.
    /// </summary>
    /// <param name="status">SCSI status: 0 GOOD, 2 CHECK CONDITION, 4 CONDITION MET, 8 BUSY, 0x18 RESERVATION CONFLICT, 0x28 TASK SET FULL.</param>
    /// <param name="sense">Sense data, copied; empty but for CHECK CONDITION. At most <see cref="IscsiLimits.MaxSenseBytes"/>.</param>
    /// <param name="dataIn">Data for the initiator, copied, already cut to the CDB's allocation length.</param>
    /// <param name="impliedLength">Length that the CDB implies (SPDTL) where Begin refuses a transfer and the residual shall say so; otherwise what was
    /// expected, or the length of <paramref name="dataIn"/>.</param>
    public void Complete(byte status, ReadOnlySpan<byte> sense = default, ReadOnlySpan<byte> dataIn = default, long? impliedLength = null)
        => _core.Responder.Complete(this, status, sense, dataIn, impliedLength);

    /// <summary>In Begin: the command reads <paramref name="length"/> bytes (what the CDB implies). GOOD follows the last byte by itself.</summary>
    public void ExpectRead(long length) => Expect(TaskPlan.Read, length);

    /// <summary>In Begin: the command takes <paramref name="length"/> bytes (what the CDB implies), piece by piece, by TryWrite and StartWrite, then FinishWrite.</summary>
    public void ExpectWrite(long length) => Expect(TaskPlan.Write, length);

    /// <summary>In Begin: the command takes <paramref name="length"/> bytes of parameters, whole, by Execute. At most <see cref="IscsiLimits.MaxParameterBytes"/>.</summary>
    public void ExpectParameters(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, IscsiLimits.MaxParameterBytes);
        Expect(TaskPlan.Parameters, length);
    }

    /// <summary>Every segment is filled.</summary>
    public void ReadDone(DataInBuffer buffer) => _core.Reads.SlowReadEnded(this, buffer);

    /// <summary>The read failed: the command ends with this status.</summary>
    public void ReadFailed(DataInBuffer buffer, byte status, ReadOnlySpan<byte> sense)
    {
        lock (_core.Gate) Hold(status, sense);
        _core.Reads.SlowReadEnded(this, buffer);
    }

    /// <summary>The bytes are where they belong.</summary>
    public void WriteDone(DataOutBuffer buffer) => _core.Writes.SlowWriteEnded(this, buffer);

    /// <summary>The write failed: the command ends with this status when its other pieces are back and the data that was asked for is consumed.</summary>
    public void WriteFailed(DataOutBuffer buffer, byte status, ReadOnlySpan<byte> sense)
    {
        lock (_core.Gate) Hold(status, sense);
        _core.Writes.SlowWriteEnded(this, buffer);
    }

    /// <summary>Under the gate: the first answer decided counts.</summary>
    internal void Hold(byte status, ReadOnlySpan<byte> sense)
    {
        if (_hasHeld) return;
        HeldStatus = status;
        _heldSenseLength = Math.Min(sense.Length, IscsiLimits.MaxSenseBytes);
        if (_heldSenseLength > 0) sense[.._heldSenseLength].CopyTo(_heldSense ??= new byte[IscsiLimits.MaxSenseBytes]);
        _hasHeld = true;
    }

    /// <summary>A command takes this object. The extended CDB follows the first 16 bytes.</summary>
    internal void Set(in ScsiCommandPdu pdu, ReadOnlySpan<byte> cdb, ReadOnlySpan<byte> extendedCdb)
    {
        Lun = pdu.Lun;
        Attribute = pdu.Attribute;
        ExpectedDataTransferLength = pdu.ExpectedDataTransferLength;
        IsRead = pdu.IsRead;
        IsWrite = pdu.IsWrite;
        IsImmediate = pdu.IsImmediate;
        InitiatorTaskTag = pdu.InitiatorTaskTag;
        CmdSn = pdu.CmdSn;
        cdb.CopyTo(_cdb);
        extendedCdb.CopyTo(_cdb.AsSpan(cdb.Length));
        _cdbLength = cdb.Length + extendedCdb.Length;
        Operations = 1;
        HarmlessOperations = 0;
        IsInputClosed = IsParked = HasBegun = _hasHeld = false;
        _heldSenseLength = 0;
        Plan = TaskPlan.Undecided;
        ImpliedLength = TransferLength = ReadPosition = 0;
        DataSn = 0;
        State = TaskState.Active;
    }

    /// <summary>Nobody has it in hand: what it holds goes back.</summary>
    internal void Clear()
    {
        Context = null;
        Gathered?.LetGo();
        Gathered = null;
        GatheredLength = 0;
        ParameterList?.LetGo();
        ParameterList = null;
        DataOut.Close();
        _core.WriteMemory.Recount(this);
    }

    private void Expect(TaskPlan plan, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (Plan != TaskPlan.Undecided) throw new InvalidOperationException("Begin has decided on this command already.");
        Plan = plan;
        ImpliedLength = length;
        TransferLength = Math.Min(length, ExpectedDataTransferLength);
    }
}

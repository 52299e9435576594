namespace Qcow2Target.Iscsi.Sessions;

/// <summary>
/// One SCSI command of a session, from its admission until its status has been laid out or it was aborted and is quiet. Pooled by the session's machine.
/// The command's fields are fixed from <see cref="ICommandExecutor.Begin"/> to <see cref="ICommandExecutor.Ended"/>. The answering methods may be
/// called from any thread and must be called even where the task was aborted meanwhile: the machine drops the result then.
/// </summary>
public sealed class ScsiTask
{
    internal ScsiTask(SessionMachine machine) => Machine = machine;

    internal SessionMachine Machine { get; }

    /// <summary>The 8-byte LUN field, big-endian, as it stands in the PDU.</summary>
    public ulong Lun { get; internal set; }

    /// <summary>The CDB: 16 bytes, or more (at most 260) where the PDU carried an extended CDB.</summary>
    public ReadOnlySpan<byte> Cdb => throw new NotImplementedException();

    public TaskAttribute Attribute { get; internal set; }

    /// <summary>EDTL of the PDU, in bytes: what the initiator is ready to send or take.</summary>
    public uint ExpectedDataTransferLength { get; internal set; }

    /// <summary>R bit: the initiator takes data.</summary>
    public bool IsRead { get; internal set; }

    /// <summary>W bit: the initiator sends data.</summary>
    public bool IsWrite { get; internal set; }

    public uint InitiatorTaskTag { get; internal set; }

    public uint CmdSn { get; internal set; }

    /// <summary>The executor's own; null at <see cref="ICommandExecutor.Begin"/>, forgotten after <see cref="ICommandExecutor.Ended"/>.</summary>
    public object? Context { get; set; }

    /// <summary>True once no status will be sent any more: what is not begun need not be begun. May turn true at any time.</summary>
    public bool IsAborted => throw new NotImplementedException();

    /// <summary>
    /// Ends the command: residuals are worked out against <see cref="ExpectedDataTransferLength"/>, data beyond it is cut off.
    /// Called in Begin, or after FinishWrite or Execute.
    /// </summary>
    /// <param name="status">SCSI status: 0 GOOD, 2 CHECK CONDITION, 4 CONDITION MET, 8 BUSY, 0x18 RESERVATION CONFLICT, 0x28 TASK SET FULL.</param>
    /// <param name="sense">Sense data, copied; empty but for CHECK CONDITION.</param>
    /// <param name="dataIn">Data for the initiator, copied, already cut to the CDB's allocation length.</param>
    /// <param name="impliedLength">Length that the CDB implies (SPDTL) where Begin refuses a transfer and the residual shall say so; otherwise what was
    /// expected, or the length of <paramref name="dataIn"/>.</param>
    public void Complete(byte status, ReadOnlySpan<byte> sense = default, ReadOnlySpan<byte> dataIn = default, long? impliedLength = null)
        => throw new NotImplementedException();

    /// <summary>In Begin: the command reads <paramref name="length"/> bytes (what the CDB implies). GOOD follows the last byte by itself.</summary>
    public void ExpectRead(long length) => throw new NotImplementedException();

    /// <summary>In Begin: the command takes <paramref name="length"/> bytes (what the CDB implies), piece by piece, by TryWrite and StartWrite, then FinishWrite.</summary>
    public void ExpectWrite(long length) => throw new NotImplementedException();

    /// <summary>In Begin: the command takes <paramref name="length"/> bytes of parameters, whole, by Execute. At most <see cref="IscsiLimits.MaxParameterBytes"/>.</summary>
    public void ExpectParameters(int length) => throw new NotImplementedException();

    /// <summary>Every segment is filled.</summary>
    public void ReadDone(DataInBuffer buffer) => throw new NotImplementedException();

    /// <summary>The read failed: the command ends with this status.</summary>
    public void ReadFailed(DataInBuffer buffer, byte status, ReadOnlySpan<byte> sense) => throw new NotImplementedException();

    /// <summary>The bytes are where they belong.</summary>
    public void WriteDone(DataOutBuffer buffer) => throw new NotImplementedException();

    /// <summary>The write failed: the command ends with this status when its other pieces are back and the data that was asked for is consumed.</summary>
    public void WriteFailed(DataOutBuffer buffer, byte status, ReadOnlySpan<byte> sense) => throw new NotImplementedException();
}

using Qcow2Target.Iscsi.Pdus;

namespace Qcow2Target.Testing;

/// <summary>A SCSI command under way: what was sent, and what has come back so far.</summary>
public sealed class ScriptedInitiatorCommand
{
    public ScriptedInitiatorCommand(uint initiatorTaskTag, ReadOnlyMemory<byte> dataOut, int readLength)
    {
        InitiatorTaskTag = initiatorTaskTag;
        DataOut = dataOut;
        DataIn = new byte[readLength];
    }

    public uint InitiatorTaskTag { get; }

    /// <summary>All that the command writes.</summary>
    public ReadOnlyMemory<byte> DataOut { get; }

    /// <summary>R2Ts that came, in order.</summary>
    public List<ReadyToTransferPdu> ReadyToTransfers { get; } = [];

    /// <summary>Data-In headers that came, in order.</summary>
    public List<DataInPdu> DataIns { get; } = [];

    /// <summary>True: R2Ts are answered as they come. False: the script does it.</summary>
    public bool AnswersReadyToTransfer { get; init; } = true;

    /// <summary>Null until the command has ended.</summary>
    public ScriptedInitiatorResult? Result { get; private set; }

    internal byte[] DataIn { get; }

    /// <summary>One PDU that carries the command's tag.</summary>
    public void Take(ScriptedInitiatorPdu pdu)
    {
        switch (pdu.Opcode)
        {
            case Opcode.DataIn:
                TakeData(pdu.As<DataInPdu>(), pdu);
                break;
            case Opcode.ReadyToTransfer:
                ReadyToTransfers.Add(pdu.As<ReadyToTransferPdu>());
                break;
            case Opcode.ScsiResponse:
                var response = pdu.As<ScsiResponsePdu>();
                if (response.ExpDataSn != DataIns.Count) throw new InvalidDataException($"ExpDataSN {response.ExpDataSn} after {DataIns.Count} Data-In PDUs.");
                End(response.ScsiStatus, pdu.Data.Length > 2 ? pdu.Data[2..] : [], response.IsOverflow, response.IsUnderflow, response.ResidualCount);
                break;
            default:
                throw new InvalidDataException($"No answer to a SCSI command: {pdu.Describe()}");
        }
    }

    private void TakeData(DataInPdu header, ScriptedInitiatorPdu pdu)
    {
        if (header.DataSn != DataIns.Count) throw new InvalidDataException($"DataSN {header.DataSn}, expected {DataIns.Count}.");
        if (header.BufferOffset != Received) throw new InvalidDataException($"Data for offset {header.BufferOffset}, expected {Received}.");
        if (pdu.Data.Length == 0) throw new InvalidDataException("An empty Data-In.");
        if (!pdu.DataDigestHolds) throw new InvalidDataException("The data digest of a Data-In does not match.");
        pdu.Data.CopyTo(DataIn, Received);
        Received += pdu.Data.Length;
        DataIns.Add(header);
        if (header.HasStatus) End(header.ScsiStatus, [], header.IsOverflow, header.IsUnderflow, header.ResidualCount);
    }

    private int Received { get; set; }

    private void End(byte status, byte[] sense, bool isOverflow, bool isUnderflow, uint residual)
    {
        if (Result is not null) throw new InvalidDataException("A second status for one command.");
        Result = new ScriptedInitiatorResult(status, sense, DataIn[..Received], isOverflow, isUnderflow, residual);
    }
}

/// <summary>How a SCSI command ended.</summary>
/// <param name="Status">SCSI status.</param>
/// <param name="Sense">Sense data, empty where there is none.</param>
/// <param name="Data">What was read.</param>
public sealed record ScriptedInitiatorResult(byte Status, byte[] Sense, byte[] Data, bool IsOverflow, bool IsUnderflow, uint Residual)
{
    public bool IsGood => Status == 0;

    /// <summary>Sense key, ASC and ASCQ as <c>5/24/00</c>, empty where there is no sense.</summary>
    public string SenseCode => Sense.Length switch
    {
        0 => "",
        _ when (Sense[0] & 0x7F) is 0x72 or 0x73 => $"{Sense[1] & 15:X}/{Sense[2]:X2}/{Sense[3]:X2}",
        >= 14 => $"{Sense[2] & 15:X}/{Sense[12]:X2}/{Sense[13]:X2}",
        _ => "short sense",
    };

    /// <summary>The result, where it is GOOD; an exception that tells the sense where not.</summary>
    public ScriptedInitiatorResult ThrowUnlessGood()
        => IsGood ? this : throw new IOException($"SCSI status 0x{Status:X2}, sense {SenseCode}.");
}

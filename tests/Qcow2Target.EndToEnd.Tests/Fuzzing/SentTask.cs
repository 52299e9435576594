using System.Buffers.Binary;

namespace Qcow2Target.EndToEnd.Tests.Fuzzing;

/// <summary>Whether the target has taken a PDU that carries a CmdSN.</summary>
internal enum Acceptance
{
    Taken,

    /// <summary>Its CmdSN is none that the target waits for: it must be ignored.</summary>
    Ignored,

    /// <summary>The target's window may or may not have been so wide.</summary>
    Unknown,
}

/// <summary>A request that waits for its answer: what was sent with it, and what has come back.</summary>
internal sealed class SentTask(byte[] header, Acceptance acceptance)
{
    private byte[] _dataOut = [];
    private Action? _whenDone;

    public byte[] Header { get; } = header;
    public byte Opcode => (byte)(Header[0] & 0x3F);
    public bool IsImmediate => (Header[0] & 0x40) != 0;
    public uint Tag => U32(16);
    public ulong Lun => BinaryPrimitives.ReadUInt64BigEndian(Header.AsSpan(8));
    public Acceptance Acceptance { get; } = acceptance;

    /// <summary>Of a SCSI Command: Expected Data Transfer Length, and the R and W bits.</summary>
    public uint Expected => U32(20);
    public bool IsRead => (Header[1] & 0x40) != 0;
    public bool IsWrite => (Header[1] & 0x20) != 0;
    public byte[] Cdb { get; init; } = [];

    /// <summary>Of a Task Management Request.</summary>
    public byte Function => (byte)(Header[1] & 0x7F);
    public uint ReferencedTag => U32(20);

    /// <summary>Of a NOP-Out: the data that must come back. Of others: the immediate data.</summary>
    public byte[] Data { get; init; } = [];

    /// <summary>Answered by its last PDU, or rejected.</summary>
    public bool IsDone { get; private set; }

    /// <summary>A task management function that was answered with "complete" has ended it: it must never be answered.</summary>
    public bool IsAborted { get; set; }

    /// <summary>Its place among all tasks of the connection.</summary>
    public long Order { get; set; }

    /// <summary>How many functions and commands that may abort it had been sent before it.</summary>
    public int AbortsBefore { get; init; }

    /// <summary>Called once, when it is done.</summary>
    public Action WhenDone
    {
        init => _whenDone = value;
    }

    /// <summary>The data that was sent for it does not follow the rules: it ends in some error, or is swallowed.</summary>
    public bool IsBroken { get; set; }

    /// <summary>Data were sent that nobody had asked for: whether the target still had the task then is not known.</summary>
    public bool IsDisturbed { get; set; }

    /// <summary>Its tag was in use, or was used again before its answer came: which of them an answer is for is not known.</summary>
    public bool IsAmbiguous { get; set; }

    /// <summary>Somebody asked to abort it: whether it is answered is not known.</summary>
    public bool IsExcused { get; set; }

    public bool IsUnsolicitedOpen { get; set; }
    public List<(uint TransferTag, uint End)> OpenR2Ts { get; } = [];
    public uint NextR2TSn { get; set; }
    public uint NextDataOutSn { get; set; }
    public uint SolicitedEnd { get; set; }
    public uint NextDataSn { get; set; }
    public uint DataInEnd { get; set; }
    public uint BurstStart { get; set; }

    /// <summary>What was sent without a gap from the start on: the most that the target can have.</summary>
    public long Contiguous { get; private set; }

    /// <summary>All that was sent, by its place.</summary>
    public ReadOnlySpan<byte> DataOut => _dataOut;

    /// <summary>It waits for data of ours.</summary>
    public bool WaitsForUs => IsUnsolicitedOpen || OpenR2Ts.Count > 0;

    public void Done()
    {
        IsDone = true;
        _whenDone?.Invoke();
        _whenDone = null;
    }

    public void AddData(long offset, ReadOnlySpan<byte> data)
    {
        if (offset > 1 << 24 || data.IsEmpty) return;
        if (_dataOut.Length < offset + data.Length) Array.Resize(ref _dataOut, (int)offset + data.Length);
        data.CopyTo(_dataOut.AsSpan((int)offset));
        if (offset <= Contiguous) Contiguous = Math.Max(Contiguous, offset + data.Length);
    }

    public override string ToString() =>
        $"opcode 0x{Opcode:x2} ITT 0x{Tag:x8} LUN {Lun:x16} flags 0x{Header[1]:x2} field20 {Expected} CmdSN 0x{U32(24):x} CDB {Convert.ToHexStringLower(Cdb)}, {_dataOut.Length} bytes out";

    private uint U32(int offset) => BinaryPrimitives.ReadUInt32BigEndian(Header.AsSpan(offset));
}

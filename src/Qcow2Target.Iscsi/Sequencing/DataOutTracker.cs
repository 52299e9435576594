using Qcow2Target.Iscsi.Login;
using Qcow2Target.Iscsi.Pdus;

namespace Qcow2Target.Iscsi.Sequencing;

/// <summary>What is wrong with a Data-Out.</summary>
internal enum DataOutFault
{
    None,

    /// <summary>Unsolicited data that was not agreed upon, or more of it than was.</summary>
    Unexpected,

    /// <summary>A sequence ended before its range was filled.</summary>
    IncorrectAmount,

    /// <summary>DataSN, Buffer Offset or Target Transfer Tag is not the expected one, or the data lies past the range.</summary>
    OutOfSequence,
}

/// <summary>
/// The data sequences of one write command (RFC 7143 4.2.2.3, 11.7, 11.8): immediate data, then at most one unsolicited sequence, then what R2Ts ask
/// for. DataPDUInOrder and DataSequenceInOrder are Yes, so there is one offset at which the next data belongs. Used by the connection's thread only.
/// </summary>
internal sealed class DataOutTracker
{
    private readonly (uint Tag, long End)[] _open = new (uint, long)[IscsiLimits.MaxOutstandingR2T];
    private int _firstOpen;
    private int _openCount;
    private long _unsolicitedEnd;
    private uint _dataSn;

    /// <summary>Offset at which the next data belongs: all before it has arrived.</summary>
    public long Received { get; private set; }

    /// <summary>Offset up to which data has been asked for or has come unasked.</summary>
    public long Solicited { get; private set; }

    /// <summary>R2TSN of the next R2T.</summary>
    public uint R2TSn { get; private set; }

    /// <summary>An unsolicited sequence is announced and has not ended.</summary>
    public bool IsUnsolicitedOpen { get; private set; }

    /// <summary>True while data is still to come for what was announced or asked for.</summary>
    public bool IsOpen => IsUnsolicitedOpen || _openCount > 0;

    /// <summary>Bytes that were announced or asked for and have not arrived.</summary>
    public long OutstandingBytes => IsUnsolicitedOpen ? Math.Max(0, _unsolicitedEnd - Received) : _openCount > 0 ? Solicited - Received : 0;

    /// <summary>R2Ts whose data has not all arrived.</summary>
    public int OpenR2Ts => _openCount;

    /// <summary>A write command has arrived with this much immediate data. <paramref name="announced"/>: its F bit was 0.</summary>
    public DataOutFault Start(SessionParameters parameters, uint expectedLength, int immediateBytes, bool announced)
    {
        _firstOpen = _openCount = 0;
        _dataSn = 0;
        R2TSn = 0;
        _unsolicitedEnd = Math.Min(parameters.FirstBurstLength, expectedLength);
        Received = Solicited = immediateBytes;
        IsUnsolicitedOpen = announced;
        var isAgreed = (immediateBytes == 0 || parameters.ImmediateData) && (!announced || !parameters.InitialR2T) && immediateBytes <= _unsolicitedEnd;
        return isAgreed ? DataOutFault.None : DataOutFault.Unexpected;
    }

    /// <summary>
    /// One Data-Out. <see cref="DataOutFault.None"/>: its data belongs at the returned offset. With a fault the data is not to be used; sequences are still
    /// followed to their end, so that the response goes out only then.
    /// </summary>
    public DataOutFault Take(in DataOutPdu pdu, int dataBytes, out long offset)
    {
        offset = Received;
        var isUnsolicited = pdu.TargetTransferTag == BasicHeader.NoTag;
        var fault = isUnsolicited ? CheckUnsolicited(pdu, dataBytes) : CheckSolicited(pdu, dataBytes);
        if (fault == DataOutFault.None)
        {
            Received += dataBytes;
            _dataSn++;
        }

        if (pdu.IsFinal) fault = End(isUnsolicited, fault);
        return fault;
    }

    /// <summary>The command has ended: nothing is to come.</summary>
    public void Close()
    {
        IsUnsolicitedOpen = false;
        _openCount = 0;
    }

    /// <summary>An R2T for the next bytes leaves: returns its offset.</summary>
    public long Solicit(uint tag, int bytes)
    {
        var offset = Solicited;
        Solicited += bytes;
        _open[(_firstOpen + _openCount) % _open.Length] = (tag, Solicited);
        _openCount++;
        R2TSn++;
        return offset;
    }

    private DataOutFault CheckUnsolicited(in DataOutPdu pdu, int dataBytes)
    {
        if (!IsUnsolicitedOpen) return DataOutFault.Unexpected;
        if (pdu.DataSn != _dataSn || pdu.BufferOffset != Received) return DataOutFault.OutOfSequence;
        return Received + dataBytes > _unsolicitedEnd ? DataOutFault.Unexpected : DataOutFault.None;
    }

    private DataOutFault CheckSolicited(in DataOutPdu pdu, int dataBytes)
    {
        if (_openCount == 0 || IsUnsolicitedOpen || _open[_firstOpen].Tag != pdu.TargetTransferTag) return DataOutFault.OutOfSequence;
        if (pdu.DataSn != _dataSn || pdu.BufferOffset != Received || Received + dataBytes > _open[_firstOpen].End) return DataOutFault.OutOfSequence;
        return DataOutFault.None;
    }

    private DataOutFault End(bool isUnsolicited, DataOutFault fault)
    {
        _dataSn = 0;
        if (isUnsolicited)
        {
            // Less than the first burst is made good by an R2T.
            if (IsUnsolicitedOpen) Solicited = Received;
            IsUnsolicitedOpen = false;
            return fault;
        }

        if (_openCount == 0) return fault;
        var end = _open[_firstOpen].End;
        _firstOpen = (_firstOpen + 1) % _open.Length;
        _openCount--;
        return fault == DataOutFault.None && Received != end ? DataOutFault.IncorrectAmount : fault;
    }
}

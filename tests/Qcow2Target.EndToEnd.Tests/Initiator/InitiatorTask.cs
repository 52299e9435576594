using System.Buffers.Binary;

namespace Qcow2Target.EndToEnd.Tests.Initiator;

/// <summary>One request in progress: cuts its Data-Out, puts its Data-In together, and holds the target to the rules of both.</summary>
internal sealed class InitiatorTask(ScsiCommand command, uint tag, TransferLimits limits)
{
    private readonly TaskCompletionSource<ScsiResult> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<RawPdu> _response = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private uint _nextDataSequence, _nextR2TSequence;
    private int _received, _sent, _burst;

    public uint Tag { get; } = tag;

    public uint CommandSequence { get; set; }

    /// <summary>How the SCSI command ended; fails where the session did.</summary>
    public Task<ScsiResult> Result => _result.Task;

    /// <summary>The PDU that answered a request which is no SCSI command.</summary>
    public Task<RawPdu> Response => _response.Task;

    /// <summary>The SCSI Command PDU with immediate data, and unsolicited Data-Out behind it, as far as negotiated.</summary>
    public IEnumerable<RawPdu> CommandPdus()
    {
        int outgoing = command.DataOut.Length, firstBurst = Math.Min(limits.FirstBurst, outgoing);
        int immediate = limits.ImmediateData ? Math.Min(firstBurst, limits.TargetSegment) : 0;
        bool more = !limits.InitialR2T && firstBurst > immediate;
        byte flags = (byte)((more ? 0 : 0x80) | (command.DataIn.Length > 0 ? 0x40 : 0) | (outgoing > 0 ? 0x20 : 0) | 0x01);
        RawPdu pdu = new(Opcodes.ScsiCommand, flags, command.DataOut[..immediate])
        {
            Lun = (ulong)command.Lun << 48,
            TaskTag = Tag,
            CommandSequence = CommandSequence,
        };
        pdu[20] = (uint)Math.Max(outgoing, command.DataIn.Length);
        command.Cdb.CopyTo(pdu.Header[32..]);
        _sent = immediate;
        yield return pdu;
        if (!more) yield break;
        foreach (RawPdu data in Cut(RawPdu.NoTag, immediate, firstBurst - immediate)) yield return data;
        _sent = firstBurst;
    }

    /// <summary>The Data-Out that an R2T asks for.</summary>
    public IEnumerable<RawPdu> Answer(RawPdu r2t)
    {
        uint sequence = r2t[36], offset = r2t[40], length = r2t[44];
        if (sequence != _nextR2TSequence++) throw new IOException($"R2TSN {sequence}, expected {_nextR2TSequence - 1}: {command}");
        if (offset != _sent || length == 0 || length > limits.MaximumBurst || offset + length > command.DataOut.Length)
            throw new IOException($"R2T for {length} bytes at {offset}, {_sent} of {command.DataOut.Length} are sent: {command}");
        _sent += (int)length;
        return Cut(r2t.TransferTag, (int)offset, (int)length);
    }

    /// <summary>True where the PDU carried the status, so that the task has ended.</summary>
    public bool TakeDataIn(RawPdu pdu)
    {
        uint sequence = pdu[36], offset = pdu[40];
        if (sequence != _nextDataSequence++) throw new IOException($"DataSN {sequence}, expected {_nextDataSequence - 1}: {command}");
        if (offset != _received || pdu.Data.Length == 0 || pdu.Data.Length > limits.OurSegment || offset + pdu.Data.Length > command.DataIn.Length)
            throw new IOException($"Data-In of {pdu.Data.Length} bytes at {offset}, expected at {_received} of {command.DataIn.Length}: {command}");
        pdu.Data.CopyTo(command.DataIn[(int)offset..]);
        _received += pdu.Data.Length;
        _burst = pdu.IsFinal ? 0 : _burst + pdu.Data.Length;
        if (_burst >= limits.MaximumBurst) throw new IOException($"a Data-In sequence longer than MaxBurstLength {limits.MaximumBurst}: {command}");
        bool hasStatus = (pdu.Flags & 0x01) != 0;
        if (!hasStatus) return false;
        if (!pdu.IsFinal) throw new IOException($"status without the F bit: {pdu}");
        if (pdu.Header[3] != ScsiResult.Good) throw new IOException($"phase collapse with status 0x{pdu.Header[3]:x2}: {command}");
        _result.SetResult(new ScsiResult(pdu.Header[3], 0, ResidualOf(pdu), _received));
        return true;
    }

    public void TakeResponse(RawPdu pdu)
    {
        if (pdu.Header[2] != 0)
        {
            _result.SetException(new IOException($"{command}: the target could not complete it, response 0x{pdu.Header[2]:x2}"));
            return;
        }
        long residual = ResidualOf(pdu);
        int expected = Math.Max(command.DataOut.Length, command.DataIn.Length);
        if (pdu.Header[3] == ScsiResult.Good && command.DataIn.Length > 0 && _received != expected + Math.Min(residual, 0))
            throw new IOException($"{_received} of {expected} bytes received and residual {residual}: {command}");
        _result.SetResult(new ScsiResult(pdu.Header[3], SenseOf(pdu.Data.Span), residual, _received));
    }

    public void TakeAnswer(RawPdu pdu) => _response.TrySetResult(pdu);

    public void Fail(Exception fault)
    {
        _result.TrySetException(new IOException($"{command}: {fault.Message}", fault));
        _response.TrySetException(new IOException(fault.Message, fault));
        _ = _result.Task.Exception;      // one of the two is never looked at
        _ = _response.Task.Exception;
    }

    private IEnumerable<RawPdu> Cut(uint transferTag, int offset, int length)
    {
        for (int done = 0, sequence = 0; done < length; sequence++)
        {
            int part = Math.Min(length - done, limits.TargetSegment);
            RawPdu pdu = new(Opcodes.DataOut, (byte)(done + part == length ? 0x80 : 0), command.DataOut.Slice(offset + done, part))
            {
                Lun = (ulong)command.Lun << 48,
                TaskTag = Tag,
                TransferTag = transferTag,
            };
            pdu[36] = (uint)sequence;
            pdu[40] = (uint)(offset + done);
            done += part;
            yield return pdu;
        }
    }

    private static long ResidualOf(RawPdu pdu) => (pdu.Flags & 0x06) switch
    {
        0x04 => pdu[44],
        0x02 => -(long)pdu[44],
        0 => 0,
        _ => throw new IOException($"overflow and underflow at once: {pdu}"),
    };

    private static int SenseOf(ReadOnlySpan<byte> data)
    {
        if (data.Length < 2) return 0;
        ReadOnlySpan<byte> sense = data.Slice(2, BinaryPrimitives.ReadUInt16BigEndian(data));
        return (sense[0] & 0x7F) switch
        {
            0x70 => (sense[2] & 0x0F) << 16 | sense[12] << 8 | sense[13],
            0x72 => (sense[1] & 0x0F) << 16 | sense[2] << 8 | sense[3],
            _ => throw new IOException($"sense data of an unknown format 0x{sense[0]:x2}"),
        };
    }
}

using System.Buffers.Binary;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing.Fuzzing;

namespace Qcow2Target.EndToEnd.Tests.Fuzzing;

/// <summary>
/// Holds each answer to what was asked: it belongs to a task that waits, each task ends once, data come in order and in full, residuals and sense are as the
/// rules have them, GOOD for a write only when its data were sent.
/// </summary>
internal sealed class AnswerRules(ConnectionLedger ledger)
{
    private const byte Good = 0, CheckCondition = 2, ConditionMet = 4, Busy = 8, ReservationConflict = 0x18, TaskSetFull = 0x28, TaskAborted = 0x40;

    /// <summary>Pings that were answered.</summary>
    public int Pongs { get; private set; }

    public void Take(RawPdu pdu)
    {
        switch (pdu.Opcode)
        {
            case Opcodes.NopIn:
                TakeNop(pdu);
                break;
            case Opcodes.ScsiResponse:
                TakeResponse(pdu);
                break;
            case Opcodes.DataIn:
                TakeDataIn(pdu);
                break;
            case Opcodes.ReadyToTransfer:
                TakeR2T(pdu);
                break;
            case Opcodes.TaskManagementResponse:
                TakeManagement(pdu);
                break;
            case Opcodes.TextResponse:
                TakeText(pdu);
                break;
            case Opcodes.LogoutResponse:
                SentTask logout = TaskOf(pdu, 0x06);
                Must(pdu.Header[2] <= 3, $"logout response {pdu.Header[2]}", pdu);
                logout.Done();
                break;
            case Opcodes.AsyncMessage:
                Must(pdu.Header[36] <= 4 && pdu.TaskTag == RawPdu.NoTag, $"async event {pdu.Header[36]}", pdu);
                break;
            case Opcodes.Reject:
                TakeReject(pdu);
                break;
        }
    }

    private void TakeNop(RawPdu pdu)
    {
        if (pdu.TaskTag == RawPdu.NoTag)
        {
            Must(pdu.Data.IsEmpty, "a ping with data", pdu);
            if (pdu.TransferTag != RawPdu.NoTag) ledger.PingsToAnswer.Enqueue((pdu.Lun, pdu.TransferTag));
            return;
        }
        SentTask ping = TaskOf(pdu, 0x00, task => task.Data.AsSpan(0, Math.Min(task.Data.Length, pdu.Data.Length)).SequenceEqual(pdu.Data.Span));
        Must(pdu.TransferTag == RawPdu.NoTag, "an answer to a ping with a transfer tag", pdu);
        Must(ledger.IsSegmentUnsure || pdu.Data.Length == Math.Min(ping.Data.Length, ledger.OurSegment), $"{pdu.Data.Length} of {ping.Data.Length} bytes echoed", pdu);
        ping.Done();
        Pongs++;
    }

    private void TakeText(RawPdu pdu)
    {
        SentTask request = TaskOf(pdu, 0x04);
        bool final = (pdu.Flags & 0x80) != 0;
        Must((pdu.Flags & 0xC0) != 0xC0, "F and C together", pdu);
        Must(final == (pdu.TransferTag == RawPdu.NoTag), "F and the transfer tag contradict each other", pdu);
        ReadOnlySpan<byte> text = pdu.Data.Span;
        Must(text.IsEmpty || text[^1] == 0 || (pdu.Flags & 0x40) != 0, "text that does not end with a NUL", pdu);
        request.Done();
        ledger.TextTag = pdu.TransferTag;
    }

    private void TakeManagement(RawPdu pdu)
    {
        SentTask request = TaskOf(pdu, 0x02);
        byte response = pdu.Header[2];
        Must(response is <= 6 or 255, $"task management response {response}", pdu);
        request.Done();
        if (response != 0 || request.IsAmbiguous) return;
        foreach (SentTask task in ledger.All)
        {
            if (task.Opcode != 0x01 || task.IsDone || !IsBefore(task, request) || task.Acceptance != Acceptance.Taken) continue;
            task.IsAborted |= request.Function switch
            {
                1 => task.Tag == request.ReferencedTag,
                2 or 4 or 5 => Number(task.Lun) is { } lun && lun == Number(request.Lun),
                6 or 7 => true,
                _ => false,
            };
        }
    }

    private void TakeReject(RawPdu pdu)
    {
        byte reason = pdu.Header[2];
        Must(reason is 0x02 or 0x03 or 0x04 or 0x05 or 0x06 or 0x07 or 0x09 or 0x0A or 0x0C, $"reject reason 0x{reason:x2}", pdu);
        Must(pdu.Data.Length == 48, $"a Reject with {pdu.Data.Length} bytes", pdu);
        Must(pdu.TaskTag == RawPdu.NoTag, "a Reject with a task tag", pdu);
        byte[] header = pdu.Data.ToArray();
        Must(ledger.HasSent(header), $"a Reject of what was not sent: {Convert.ToHexStringLower(header)}", pdu);
        uint tag = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(16));
        // The latest of them: a tag that is in use already is what a second command is rejected for.
        if (ledger.WithTag(tag).LastOrDefault(task => !task.IsDone && task.Acceptance != Acceptance.Ignored && task.Header.AsSpan().SequenceEqual(header)) is { } rejected) rejected.Done();
    }

    private void TakeR2T(RawPdu pdu)
    {
        SentTask task = TaskOf(pdu, 0x01);
        uint offset = pdu[40], length = pdu[44], burst = (uint)ledger.MaxBurst;
        if (task.IsAmbiguous)
        {
            ledger.ToAnswer.Enqueue((task, pdu.TransferTag, offset, length));
            return;
        }
        Must(task.IsWrite, "an R2T for what is no write", pdu);
        Must(pdu.TransferTag != RawPdu.NoTag && length != 0 && length <= burst, $"an R2T for {length} bytes where a burst has {burst}", pdu);
        Must(offset + (ulong)length <= task.Expected, $"an R2T for bytes {offset} to {offset + (ulong)length} of {task.Expected}", pdu);
        ledger.ToAnswer.Enqueue((task, pdu.TransferTag, offset, length));
        if (task.IsBroken || task.IsDisturbed || task.Acceptance == Acceptance.Unknown)
        {
            task.OpenR2Ts.Add((pdu.TransferTag, offset + length));
            return;
        }
        Must(!task.IsUnsolicitedOpen, "an R2T before the unsolicited data have ended", pdu);
        Must(pdu[36] == task.NextR2TSn, $"R2TSN {pdu[36]}, expected {task.NextR2TSn}", pdu);
        Must(offset == task.SolicitedEnd, $"an R2T at {offset}, expected at {task.SolicitedEnd}", pdu);
        task.NextR2TSn++;
        task.SolicitedEnd = offset + length;
        task.OpenR2Ts.Add((pdu.TransferTag, offset + length));
        Must(task.OpenR2Ts.Count <= ledger.MaxR2T, $"{task.OpenR2Ts.Count} R2Ts at once, {ledger.MaxR2T} were agreed", pdu);
    }

    private void TakeDataIn(RawPdu pdu)
    {
        SentTask task = TaskOf(pdu, 0x01, candidate => candidate.IsRead && pdu[36] == candidate.NextDataSn);
        bool hasStatus = (pdu.Flags & 0x01) != 0, final = (pdu.Flags & 0x80) != 0;
        Must(task.IsRead || task.IsAmbiguous, "Data-In for what is no read", pdu);
        Must(pdu.Data.Length > 0, "Data-In without data", pdu);
        Must((pdu.Flags & 0x40) == 0, "A at error recovery level 0", pdu);
        if (task.IsAmbiguous)
        {
            if (hasStatus) task.Done();
            return;
        }
        Must(pdu[36] == task.NextDataSn && pdu[40] == task.DataInEnd, $"DataSN {pdu[36]} at {pdu[40]}, expected {task.NextDataSn} at {task.DataInEnd}", pdu);
        task.NextDataSn++;
        task.DataInEnd += (uint)pdu.Data.Length;
        Must(task.DataInEnd <= task.Expected, $"{task.DataInEnd} bytes where {task.Expected} were expected", pdu);
        Must(task.DataInEnd - task.BurstStart <= (uint)ledger.MaxBurst, $"a burst of {task.DataInEnd - task.BurstStart} bytes", pdu);
        if (final) task.BurstStart = task.DataInEnd;
        if (!hasStatus)
        {
            Must((pdu.Flags & 0x06) == 0, "a residual without a status", pdu);
            return;
        }
        Must(final && pdu.Header[3] is Good or ConditionMet, $"status 0x{pdu.Header[3]:x2} with Data-In", pdu);
        CheckResidual(task, pdu);
        task.Done();
    }

    private void TakeResponse(RawPdu pdu)
    {
        SentTask task = TaskOf(pdu, 0x01);
        byte response = pdu.Header[2], status = pdu.Header[3];
        Must(response == 0, $"response code {response}", pdu);
        Must(status is Good or CheckCondition or ConditionMet or Busy or ReservationConflict or TaskSetFull or TaskAborted, $"status 0x{status:x2}", pdu);
        Must(task.IsAmbiguous || pdu[36] == task.NextDataSn, $"ExpDataSN {pdu[36]} after {task.NextDataSn} Data-Ins", pdu);
        ReadOnlySpan<byte> data = pdu.Data.Span;
        if (status == CheckCondition)
        {
            Must(data.Length >= 2 && BinaryPrimitives.ReadUInt16BigEndian(data) == data.Length - 2, "a CHECK CONDITION without sense", pdu);
            if (SenseRules.FaultOf(data[2..], out _) is { } fault) throw new FuzzFinding($"the target sent {fault}: {Convert.ToHexStringLower(data)} for {task}");
        }
        else
        {
            Must(data.IsEmpty, "data with another status than CHECK CONDITION", pdu);
        }
        if (!task.IsAmbiguous)
        {
            CheckResidual(task, pdu);
            if (status == Good) CheckGood(task, pdu);
        }
        task.Done();
    }

    /// <summary>GOOD for a write promises that its data are there: all that the CDB and the initiator's announcement have in common.</summary>
    private static void CheckGood(SentTask task, RawPdu pdu)
    {
        if (!task.IsWrite) return;
        bool overflow = (pdu.Flags & 0x04) != 0, underflow = (pdu.Flags & 0x02) != 0;
        long wanted = underflow ? task.Expected - pdu[44] : task.Expected;
        Must(task.Contiguous >= wanted || overflow && task.Expected == 0, $"GOOD though only {task.Contiguous} of {wanted} bytes were sent for {task}", pdu);
        Must(!task.IsBroken || wanted == 0, $"GOOD though the data broke the rules for {task}", pdu);
    }

    private static void CheckResidual(SentTask task, RawPdu pdu)
    {
        bool overflow = (pdu.Flags & 0x04) != 0, underflow = (pdu.Flags & 0x02) != 0;
        Must(!(overflow && underflow), "O and U together", pdu);
        if (overflow || underflow) Must(pdu[44] != 0, "a residual of 0", pdu);
        else Must(pdu[44] == 0, "a residual without O or U", pdu);
        if (underflow) Must(pdu[44] <= task.Expected, $"a residual of {pdu[44]} of {task.Expected}", pdu);
        if (task.IsRead && pdu.Header[3] is Good) Must(task.DataInEnd + (underflow ? pdu[44] : 0) == task.Expected, $"{task.DataInEnd} of {task.Expected} bytes came, residual {pdu[44]}", pdu);
    }

    /// <summary>The task that a PDU answers, the oldest where a tag was used again.</summary>
    private SentTask TaskOf(RawPdu pdu, byte opcode, Func<SentTask, bool>? isMeant = null)
    {
        List<SentTask> candidates = ledger.Candidates(pdu.TaskTag, opcode);
        if (candidates.Count == 0) throw new FuzzFinding($"the target sent {pdu}, which answers nothing; with that tag: {string.Join("; ", ledger.WithTag(pdu.TaskTag))}");
        List<SentTask> alive = candidates.FindAll(task => !task.IsAborted);
        if (candidates[0].IsAmbiguous) return alive.Find(task => isMeant?.Invoke(task) ?? true) ?? candidates[0];
        if (alive.Count == 0) throw new FuzzFinding($"the target answers an aborted task: {pdu}; {candidates[0]}");
        return alive.Find(task => isMeant?.Invoke(task) ?? true)
            ?? throw new FuzzFinding($"the target sent {pdu}, header {Convert.ToHexStringLower(pdu.Header)}, which does not fit: {string.Join("; ", alive)}");
    }

    // A bent function may name a CmdSN to come.
    private static bool IsBefore(SentTask task, SentTask request) => task.Order < request.Order && (int)(CommandSequence(task) - CommandSequence(request)) < 0;

    private static uint CommandSequence(SentTask task) => BinaryPrimitives.ReadUInt32BigEndian(task.Header.AsSpan(24));

    private static int? Number(ulong lun)
    {
        int first = (int)(lun >> 48);
        if ((lun & 0xFFFF_FFFF_FFFF) != 0) return null;
        return first < 256 ? first : first >> 14 == 1 ? first & 0x3FFF : null;
    }

    private static void Must(bool holds, string otherwise, RawPdu pdu)
    {
        if (!holds) throw new FuzzFinding($"the target sent {otherwise}: {pdu}, header {Convert.ToHexStringLower(pdu.Header)}");
    }
}

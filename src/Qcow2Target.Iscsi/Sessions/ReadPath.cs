using Qcow2Target.Iscsi.Framing;
using Qcow2Target.Iscsi.Pdus;

namespace Qcow2Target.Iscsi.Sessions;

/// <summary>
/// Read transfers. What can be read at once lands behind its Data-In header in the batch; what cannot is read by somebody else into PDUs that are laid out for
/// it, one piece after the other. The caller of each method holds an operation of the task and leaves it here.
/// </summary>
internal sealed class ReadPath(SessionCore core)
{
    // A slow read that ends inside StartRead is taken up by the loop that started it, or its pieces would pile up on the stack.
    private const int Idle = 0;
    private const int Starting = 1;
    private const int EndedInside = 2;

    /// <summary>Begins, or goes on after being parked. The connection's thread.</summary>
    public void Continue(ScsiTask task)
    {
        while (!task.IsAborted)
        {
            if (core.IsOutputFull)
            {
                core.Park(task);
                return;
            }

            var bytes = core.Shape.SegmentBytes(task.ReadPosition, task.TransferLength);
            var pdu = core.Batch.Reserve(core.Digests.PduBytes(bytes));
            var place = pdu[core.Digests.DataOffset..];
            if (!core.Fill(task, task.ReadPosition, place[..bytes]))
            {
                // Its own earlier Data-Ins go first.
                if (task.DataSn > 0) core.Batch.Commit();
                StartSlow(task);
                return;
            }

            var isLast = task.ReadPosition + bytes == task.TransferLength;
            if (isLast && !core.TryAnswer(task)) break;
            WriteHeader(task, bytes, pdu);
            PduWriter.SealData(place, bytes, core.Digests);
            core.Batch.Keep(pdu.Length);
            if (isLast) break;
            if (core.Batch.PendingBytes >= IscsiLimits.OutputFlushBytes) core.Batch.Commit();
        }

        core.Leave(task);
    }

    /// <summary><see cref="ScsiTask.ReadDone"/> and <see cref="ScsiTask.ReadFailed"/>: any thread.</summary>
    public void SlowReadEnded(ScsiTask task, DataInBuffer buffer)
    {
        if (!ReferenceEquals(buffer, task.SlowRead) || buffer.Buffer is null) throw new ArgumentException("This buffer is not being read into.", nameof(buffer));
        if (Interlocked.CompareExchange(ref task.SlowReadPhase, EndedInside, Starting) == Starting) return;
        if (FinishSlow(task)) StartSlow(task);
    }

    private void StartSlow(ScsiTask task)
    {
        do
        {
            // From here on an abort does not wait for the task.
            if (!core.TryMakeHarmless(task))
            {
                core.Leave(task);
                return;
            }

            var slow = task.SlowRead;
            slow.Lay(task.ReadPosition, task.TransferLength, core.Shape, core.Digests);
            slow.Buffer = core.Pool.Rent(slow.PduBytes);
            core.CountSlowRead(slow.PduBytes);
            Volatile.Write(ref task.SlowReadPhase, Starting);
            core.Executor.StartRead(task, slow);
            if (Interlocked.CompareExchange(ref task.SlowReadPhase, Idle, Starting) == Starting) return;
        }
        while (FinishSlow(task));
    }

    /// <summary>True where the next piece is to be started.</summary>
    private bool FinishSlow(ScsiTask task)
    {
        var slow = task.SlowRead;
        var buffer = slow.Buffer!;
        var isGood = !task.HasHeld;
        if (isGood) LayHeaders(task, buffer.Array);
        var isLast = isGood && task.ReadPosition == task.TransferLength;
        bool goesOn;
        lock (core.Gate)
        {
            task.HarmlessOperations--;
            goesOn = task.State == TaskState.Active && isGood && (!isLast || core.TryAnswerGated(task));
            if (goesOn) core.Outbox.Append(buffer, 0, slow.PduBytes);
        }

        slow.Buffer = null;
        buffer.LetGo();
        core.CountSlowRead(-slow.PduBytes);
        core.RaiseOutputReady();
        if (goesOn && !isLast)
        {
            if (!core.IsOutputFull) return true;
            core.Park(task);

            // Room may have come before it was parked, and then nobody would look.
            core.RaiseOutputReady();
            return false;
        }

        if (!isGood) core.Responder.RespondHeld(task);
        core.Leave(task);
        return false;
    }

    private void LayHeaders(ScsiTask task, byte[] pdus)
    {
        var slow = task.SlowRead;
        var start = 0;
        for (var i = 0; i < slow.SegmentCount; i++)
        {
            var bytes = slow.Segment(i).Length;
            var pdu = pdus.AsSpan(start, core.Digests.PduBytes(bytes));
            WriteHeader(task, bytes, pdu);
            PduWriter.SealData(pdu[core.Digests.DataOffset..], bytes, core.Digests);
            start += pdu.Length;
        }
    }

    // Status rides on the last Data-In (phase collapse): a read that comes to its end is GOOD.
    private void WriteHeader(ScsiTask task, int bytes, Span<byte> pdu)
    {
        var offset = task.ReadPosition;
        task.ReadPosition += bytes;
        var isLast = task.ReadPosition == task.TransferLength;
        var residual = isLast ? Residual.Of(task.ExpectedDataTransferLength, task.ImpliedLength, task.ReadPosition) : default;
        var header = new DataInPdu
        {
            IsFinal = isLast || core.Shape.EndsBurst(task.ReadPosition),
            HasStatus = isLast,
            IsOverflow = residual.IsOverflow,
            IsUnderflow = residual.IsUnderflow,
            ResidualCount = residual.Count,
            InitiatorTaskTag = task.InitiatorTaskTag,
            TargetTransferTag = BasicHeader.NoTag,
            DataSn = task.DataSn++,
            BufferOffset = (uint)offset,
        };
        PduWriter.WriteHeader(header, bytes, pdu);
    }
}

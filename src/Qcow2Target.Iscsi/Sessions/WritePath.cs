using Qcow2Target.Iscsi.Buffers;
using Qcow2Target.Iscsi.Framing;
using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Iscsi.Sequencing;

namespace Qcow2Target.Iscsi.Sessions;

/// <summary>
/// Data from the initiator: immediate, unsolicited, asked for by R2T. Large pieces go from the receive buffer to the device at once, small ones are gathered
/// until their sequence is whole. The caller of each method holds an operation of the task and leaves it here; the connection's thread, but for
/// <see cref="SlowWriteEnded"/> and <see cref="Finish"/>.
/// </summary>
internal sealed class WritePath(SessionCore core)
{
    private const int BlockMask = 511;
    private const byte TaskSetFull = 0x28;

    private readonly Stack<DataOutBuffer> _spareBuffers = new();
    private uint _transferTag;

    /// <summary>Begin has asked for data, or has answered before the announced data came.</summary>
    public void Start(ScsiTask task, ReadOnlySpan<byte> immediateData)
    {
        var isUnasked = immediateData.Length > 0 || task.DataOut.IsUnsolicitedOpen;
        if (isUnasked && !task.HasHeld && core.WriteMemory.IsRefusing) core.Hold(task, TaskSetFull, []);
        if (!task.HasHeld) Take(task, 0, immediateData, !task.DataOut.IsUnsolicitedOpen);
        GoOn(task);
    }

    /// <summary>One Data-Out of a task.</summary>
    public void Receive(ScsiTask task, in DataOutPdu pdu, in PduFrame frame)
    {
        var fault = task.DataOut.Take(pdu, frame.Data.Length, out var offset);
        if (fault == DataOutFault.None && !frame.DataDigestHolds) fault = DataOutFault.OutOfSequence;
        if (fault != DataOutFault.None) core.HoldCheck(task, SenseFor(fault));
        else if (!task.HasHeld) Take(task, offset, frame.Data, pdu.IsFinal);
        GoOn(task);
    }

    /// <summary>After every step: ask for more, or close the input, and leave the task.</summary>
    public void GoOn(ScsiTask task)
    {
        var data = task.DataOut;
        var isDone = task.HasHeld || data.Received >= task.TransferLength;
        var isOver = isDone && !data.IsOpen;
        if (!isDone) Solicit(task);
        core.WriteMemory.Recount(task);
        if (isOver) core.CloseInput(task);
        else core.Leave(task);
    }

    /// <summary><see cref="ScsiTask.WriteDone"/> and <see cref="ScsiTask.WriteFailed"/>: any thread.</summary>
    public void SlowWriteEnded(ScsiTask task, DataOutBuffer buffer)
    {
        core.WriteMemory.SlowWriteEnded(buffer.Length);
        buffer.Release();
        lock (core.Gate) _spareBuffers.Push(buffer);
        core.Leave(task);
        if (core.ParkedCount > 0) core.RaiseOutputReady();
    }

    /// <summary>All data is in and written, or gathered: the executor ends the command. Any thread.</summary>
    public void Finish(ScsiTask task)
    {
        if (task.Plan == TaskPlan.Write) core.Executor.FinishWrite(task);
        else core.Executor.Execute(task, task.ParameterList is { } list ? list.Array.AsMemory(0, (int)task.TransferLength) : ReadOnlyMemory<byte>.Empty);
    }

    public static SenseData SenseFor(DataOutFault fault) => fault switch
    {
        DataOutFault.Unexpected => SenseData.UnexpectedUnsolicitedData,
        DataOutFault.IncorrectAmount => SenseData.IncorrectAmountOfData,
        _ => SenseData.ProtocolServiceCrcError,
    };

    private void Solicit(ScsiTask task)
    {
        var data = task.DataOut;
        while (!data.IsUnsolicitedOpen && data.OpenR2Ts < core.Parameters.MaxOutstandingR2T && data.Solicited < task.TransferLength && !task.IsAborted)
        {
            if (core.WriteMemory.IsFull)
            {
                ParkOnce(task);
                return;
            }

            // Whole blocks but at the end, so that what is gathered starts at a block.
            var most = core.Pool.IsScarce ? Math.Min(core.Parameters.MaxBurstLength, IscsiLimits.ScarceBurstBytes) : core.Parameters.MaxBurstLength;
            var burst = most & ~BlockMask;
            var bytes = (int)Math.Min(task.TransferLength - data.Solicited, burst - (data.Solicited & BlockMask));
            _transferTag = _transferTag + 1 == BasicHeader.NoTag ? 0 : _transferTag + 1;
            var r2tSn = data.R2TSn;
            var offset = data.Solicit(_transferTag, bytes);
            core.Batch.Put(
                new ReadyToTransferPdu
                {
                    Lun = task.Lun,
                    InitiatorTaskTag = task.InitiatorTaskTag,
                    TargetTransferTag = _transferTag,
                    R2TSn = r2tSn,
                    BufferOffset = (uint)offset,
                    DesiredDataTransferLength = (uint)bytes,
                },
                []);
            core.WriteMemory.Recount(task);

            // An initiator that breaks the rules may end it before it has seen it, and another thread answer the task then: not ahead of this R2T.
            core.Batch.Commit();
        }
    }

    // Slow writes hold much memory: the next R2T waits for some of it.
    private void ParkOnce(ScsiTask task)
    {
        lock (core.Gate)
        {
            if (task.IsParked) return;
            task.Operations++;
        }

        core.Park(task);
    }

    private void Take(ScsiTask task, long offset, ReadOnlySpan<byte> data, bool endsSequence)
    {
        // An initiator may announce more than the command takes: the rest is swallowed.
        if (offset >= task.TransferLength || data.IsEmpty) return;
        data = data[..(int)Math.Min(data.Length, task.TransferLength - offset)];
        if (task.Plan == TaskPlan.Parameters)
        {
            task.ParameterList ??= core.Pool.Rent((int)task.TransferLength);
            data.CopyTo(task.ParameterList.Array.AsSpan((int)offset));
        }
        else if (task.Plan == TaskPlan.Write) Write(task, offset, data, endsSequence);
    }

    private void Write(ScsiTask task, long offset, ReadOnlySpan<byte> data, bool endsSequence)
    {
        var isWhole = offset + data.Length == task.TransferLength;
        if (task.GatheredLength == 0)
        {
            var direct = isWhole ? data.Length : endsSequence || data.Length >= IscsiLimits.DirectWriteBytes ? data.Length & ~BlockMask : 0;
            if (direct > 0) WriteThrough(task, offset, data[..direct]);
            offset += direct;
            data = data[direct..];
        }

        while (data.Length > 0) Gather(task, ref offset, ref data);
        if (isWhole || endsSequence) WriteGathered(task, isWhole);
    }

    private void WriteThrough(ScsiTask task, long position, ReadOnlySpan<byte> data)
    {
        if (task.IsAborted || task.HasHeld || core.Executor.TryWrite(task, position, data)) return;
        var copy = core.Pool.Rent(data.Length);
        data.CopyTo(copy.Array);
        StartSlow(task, copy, data.Length, position);
    }

    private void Gather(ScsiTask task, ref long offset, ref ReadOnlySpan<byte> data)
    {
        if (task.Gathered is null)
        {
            task.Gathered = core.Pool.Rent((int)Math.Min(IscsiLimits.GatherBytes, task.TransferLength - offset));
            task.GatheredPosition = offset;
        }
        else if (task.GatheredLength == 0)
        {
            task.GatheredPosition = offset;
        }

        var room = Math.Min(IscsiLimits.GatherBytes, task.Gathered.Array.Length & ~BlockMask) - task.GatheredLength;
        var taken = Math.Min(room, data.Length);
        data[..taken].CopyTo(task.Gathered.Array.AsSpan(task.GatheredLength));
        task.GatheredLength += taken;
        offset += taken;
        data = data[taken..];
        if (taken == room) WriteGathered(task, isWhole: false);
    }

    // What is left over of a block stays until the rest of the block has come.
    private void WriteGathered(ScsiTask task, bool isWhole)
    {
        var bytes = isWhole ? task.GatheredLength : task.GatheredLength & ~BlockMask;
        if (bytes == 0) return;
        var gathered = task.Gathered!;
        var position = task.GatheredPosition;
        var left = gathered.Array.AsSpan(bytes, task.GatheredLength - bytes);
        task.GatheredPosition += bytes;
        task.GatheredLength = left.Length;
        if (task.IsAborted || task.HasHeld || core.Executor.TryWrite(task, position, gathered.Array.AsSpan(0, bytes)))
        {
            left.CopyTo(gathered.Array);
            return;
        }

        task.Gathered = null;
        if (left.Length > 0)
        {
            task.Gathered = core.Pool.Rent((int)Math.Min(IscsiLimits.GatherBytes, task.TransferLength - task.GatheredPosition));
            left.CopyTo(task.Gathered.Array);
        }

        StartSlow(task, gathered, bytes, position);
    }

    private void StartSlow(ScsiTask task, PooledBuffer buffer, int length, long position)
    {
        DataOutBuffer? slow;
        lock (core.Gate)
        {
            task.Operations++;
            if (!_spareBuffers.TryPop(out slow)) slow = new DataOutBuffer();
        }

        slow.Set(buffer, 0, length, position);
        core.WriteMemory.SlowWriteStarted(length);
        core.Executor.StartWrite(task, slow);
    }
}

using System.Buffers.Binary;
using Qcow2Target.Iscsi.Pdus;

namespace Qcow2Target.Iscsi.Sessions;

/// <summary>Lays out the end of a command: its data where it lies in memory, status, sense and residual (RFC 7143 11.4, 11.7.5). Any thread.</summary>
internal sealed class Responder(SessionCore core)
{
    private const byte Good = 0;
    private const byte ConditionMet = 4;

    /// <summary><see cref="ScsiTask.Complete"/>.</summary>
    public void Complete(ScsiTask task, byte status, ReadOnlySpan<byte> sense, ReadOnlySpan<byte> dataIn, long? impliedLength)
    {
        switch (task.Plan)
        {
            case TaskPlan.Undecided:
                task.Plan = TaskPlan.Decided;
                task.ImpliedLength = impliedLength ?? Implied(task, dataIn);

                // The announced data has to be swallowed first. Who sends data takes none.
                if (task.DataOut.IsOpen) core.Hold(task, status, sense);
                else Respond(task, status, sense, dataIn, task.ImpliedLength);
                return;
            case TaskPlan.Write or TaskPlan.Parameters when task.IsInputClosed:
                if (task.HasHeld) RespondHeld(task);
                else Respond(task, status, sense, dataIn, impliedLength ?? (task.ImpliedLength > 0 && task.IsWrite ? task.ImpliedLength : Implied(task, dataIn)));
                core.Leave(task);
                return;
            default:
                throw new InvalidOperationException($"A command with plan {task.Plan} is not completed from outside.");
        }
    }

    /// <summary>The answer that was decided before its time.</summary>
    public void RespondHeld(ScsiTask task) => Respond(task, task.HeldStatus, task.HeldSense, [], task.ImpliedLength);

    /// <summary>GOOD without data.</summary>
    public void RespondGood(ScsiTask task) => Respond(task, Good, [], [], task.ImpliedLength);

    // An initiator that sends instead gets nothing and is told that none of its data was moved, as with READ (RFC 7143 11.4.5.2).
    private static long Implied(ScsiTask task, ReadOnlySpan<byte> dataIn) => task.IsRead || task.ExpectedDataTransferLength == 0 ? dataIn.Length : 0;

    private void Respond(ScsiTask task, byte status, ReadOnlySpan<byte> sense, ReadOnlySpan<byte> dataIn, long implied)
    {
        var data = task.IsRead ? dataIn[..(int)Math.Min(dataIn.Length, task.ExpectedDataTransferLength)] : [];
        var moved = task.ReadPosition + data.Length + (task.IsWrite ? Math.Min(task.DataOut.Received, task.TransferLength) : 0);
        var residual = Residual.Of(task.ExpectedDataTransferLength, implied, moved);
        if (core.MayUseBatch)
        {
            if (!core.TryAnswer(task)) return;
            Put(task, status, sense, data, residual);
            return;
        }

        lock (core.Gate)
        {
            if (!core.TryAnswerGated(task)) return;
            Put(task, status, sense, data, residual);
        }

        core.RaiseOutputReady();
    }

    private void Put(ScsiTask task, byte status, ReadOnlySpan<byte> sense, ReadOnlySpan<byte> data, Residual residual)
    {
        var isCollapsed = status is Good or ConditionMet && sense.IsEmpty && data.Length > 0;
        for (var position = 0; position < data.Length;)
        {
            var bytes = core.Shape.SegmentBytes(position, data.Length);
            var isLast = position + bytes == data.Length;
            var pdu = new DataInPdu
            {
                IsFinal = isLast || core.Shape.EndsBurst(position + bytes),
                HasStatus = isLast && isCollapsed,
                ScsiStatus = isLast && isCollapsed ? status : (byte)0,
                IsOverflow = isLast && isCollapsed && residual.IsOverflow,
                IsUnderflow = isLast && isCollapsed && residual.IsUnderflow,
                ResidualCount = isLast && isCollapsed ? residual.Count : 0,
                InitiatorTaskTag = task.InitiatorTaskTag,
                TargetTransferTag = BasicHeader.NoTag,
                DataSn = task.DataSn++,
                BufferOffset = (uint)position,
            };
            Put(pdu, data.Slice(position, bytes));
            position += bytes;
        }

        if (isCollapsed) return;
        var response = new ScsiResponsePdu
        {
            IsOverflow = residual.IsOverflow,
            IsUnderflow = residual.IsUnderflow,
            ScsiStatus = status,
            InitiatorTaskTag = task.InitiatorTaskTag,
            ExpDataSn = task.DataSn,
            ResidualCount = residual.Count,
        };
        if (sense.IsEmpty)
        {
            Put(response, []);
            return;
        }

        Span<byte> senseSegment = stackalloc byte[sizeof(ushort) + IscsiLimits.MaxSenseBytes];
        sense = sense[..Math.Min(sense.Length, IscsiLimits.MaxSenseBytes)];
        BinaryPrimitives.WriteUInt16BigEndian(senseSegment, (ushort)sense.Length);
        sense.CopyTo(senseSegment[sizeof(ushort)..]);
        Put(response, senseSegment[..(sizeof(ushort) + sense.Length)]);
    }

    // In the batch, or in the outbox: the gate is held then.
    private void Put<TPdu>(in TPdu pdu, ReadOnlySpan<byte> data)
        where TPdu : struct, IPdu<TPdu>
    {
        if (core.MayUseBatch) core.Batch.Put(pdu, data);
        else core.Outbox.Put(pdu, data);
    }
}

using Qcow2Target.Iscsi.Framing;
using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Iscsi.Sequencing;

namespace Qcow2Target.Iscsi.Sessions;

/// <summary>SCSI Commands from their PDU to the plan that the executor makes of them. The connection's thread.</summary>
internal sealed class CommandPath(SessionCore core)
{
    private const byte Good = 0;

    /// <summary>Takes one command. Its CmdSN is accepted, its slot taken. Returns the reason where the PDU is rejected.</summary>
    public RejectReason? Take(in PduFrame frame)
    {
        var pdu = ScsiCommandPdu.Parse(frame.Header);
        if (FindFault(pdu, frame, out var extendedCdb) is { } reason) return Refuse(pdu, reason);
        ScsiTask task;
        lock (core.Gate)
        {
            if (core.Tasks.Find(pdu.InitiatorTaskTag) is not null) return Refuse(pdu, RejectReason.TaskInProgress);
            if (pdu.IsImmediate && core.Tasks.ImmediateCount >= IscsiLimits.MaxImmediateTasks) return Refuse(pdu, RejectReason.ImmediateCommandReject);
            task = core.Tasks.Take();
            task.Set(pdu, frame.Header.Slice(32, 16), extendedCdb);
            core.Tasks.Add(task);
        }

        Run(task, frame.Data, pdu.IsFinal);
        return null;
    }

    private void Run(ScsiTask task, ReadOnlySpan<byte> immediateData, bool isFinal)
    {
        var fault = task.DataOut.Start(core.Parameters, task.ExpectedDataTransferLength, immediateData.Length, announced: !isFinal);
        var refusal = fault != DataOutFault.None ? WritePath.SenseFor(fault) : task.Attribute == TaskAttribute.Aca ? SenseData.InvalidMessageError : null;
        if (refusal is not null)
        {
            task.Plan = TaskPlan.Decided;
            core.HoldCheck(task, refusal);
            core.Writes.Start(task, immediateData);
            return;
        }

        task.HasBegun = true;
        core.Executor.Begin(task);
        JudgeDirection(task);
        switch (task.Plan)
        {
            case TaskPlan.Undecided:
                core.Leave(task);
                throw new InvalidOperationException("Begin has not decided on the command.");
            case TaskPlan.Decided when !task.HasHeld:
                core.Leave(task);
                break;
            case TaskPlan.Read when !task.HasHeld:
                if (task.TransferLength > 0)
                {
                    core.Reads.Continue(task);
                    break;
                }

                core.Responder.RespondGood(task);
                core.Leave(task);
                break;
            default:
                core.Writes.Start(task, immediateData);
                break;
        }
    }

    // What the CDB wants and what the R and W bits say may differ. Without expected data there is nothing to differ about.
    private void JudgeDirection(ScsiTask task)
    {
        if (task.ExpectedDataTransferLength == 0) return;
        if (task.Plan == TaskPlan.Read && !task.IsRead)
        {
            // The initiator sends: swallow that and read nothing. Nothing was moved.
            task.ImpliedLength = task.TransferLength = 0;
            core.Hold(task, Good, []);
        }
        else if (task.Plan is TaskPlan.Write or TaskPlan.Parameters && task.ImpliedLength > 0 && !task.IsWrite)
        {
            // The initiator would take, and GOOD would tell it that its data is on the disk.
            task.ImpliedLength = task.TransferLength = 0;
            core.HoldCheck(task, SenseData.InvalidFieldInCommandInformationUnit);
        }
    }

    private static RejectReason? FindFault(in ScsiCommandPdu pdu, in PduFrame frame, out ReadOnlySpan<byte> extendedCdb)
    {
        if (!ExtendedCdb.TryFind(frame.AdditionalHeader, out extendedCdb)) return RejectReason.InvalidPduField;
        if (pdu.InitiatorTaskTag == BasicHeader.NoTag || pdu is { IsRead: true, IsWrite: true } || !Enum.IsDefined(pdu.Attribute)) return RejectReason.InvalidPduField;
        if (!pdu.IsWrite && (!pdu.IsFinal || frame.Data.Length > 0)) return RejectReason.ProtocolError;
        return pdu is { IsRead: false, IsWrite: false, ExpectedDataTransferLength: > 0 } ? RejectReason.InvalidPduField : null;
    }

    /// <summary>Rejects a command whose slot was taken. Data that it announced is dropped as it comes.</summary>
    public RejectReason Refuse(in ScsiCommandPdu pdu, RejectReason reason)
    {
        lock (core.Gate)
        {
            core.Tasks.Remember(pdu.InitiatorTaskTag);
            if (!pdu.IsImmediate) core.Window.FreeSlot();
        }

        return reason;
    }
}

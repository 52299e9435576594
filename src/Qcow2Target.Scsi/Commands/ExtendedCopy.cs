using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Copying;
using Qcow2Target.Scsi.Reservations;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>EXTENDED COPY (LID1) (SPC-4 6.4): copies between the units of the target that the command came to, and no others.</summary>
internal static class ExtendedCopy
{
    private const int LengthField = 10;

    public static CommandPlan Begin(in CommandContext context)
    {
        if (context.MediumRefusal(MediumUse.Read) is { } sense)
            return context.Refuse(sense);
        uint length = context.Cdb.U32(LengthField);
        if (length == 0)
            return context.Good();
        if (length is < CopyList.HeaderBytes or > ScsiLimits.MaxCopyParameterBytes)
            return context.Refuse(SenseData.ParameterListLengthError);

        LogicalUnit unit = context.Unit;
        ItlNexus nexus = context.Nexus;
        LunMap map = context.Map;
        return CommandPlan.Parameters(unit, length, (data, cancellationToken) =>
        {
            if (data.Length < length)
                return new(unit.Check(SenseData.ParameterListLengthError));
            return CopyList.Parse(data.Span, out CopyList? list) is { } refusal
                ? new(unit.Check(refusal))
                : ExecuteAsync(nexus, map, list!, cancellationToken);
        });
    }

    private static async ValueTask<ScsiOutcome> ExecuteAsync(ItlNexus nexus, LunMap map, CopyList list, CancellationToken cancellationToken)
    {
        var status = new CopyStatus();
        if (!nexus.Copies.TryBegin(list, status))
            return nexus.Unit.Check(SenseData.OperationInProgress);

        ScsiOutcome outcome = ScsiOutcome.Busy;
        try
        {
            outcome = await CopyAsync(nexus, map, list, status, cancellationToken).ConfigureAwait(false);
            return outcome;
        }
        catch (BlockDeviceException fault)
        {
            outcome = OutcomeOf(nexus.Unit, fault);
            return outcome;
        }
        finally
        {
            nexus.Copies.End(list, status, outcome.Status);
        }
    }

    private static async ValueTask<ScsiOutcome> CopyAsync(
        ItlNexus nexus, LunMap map, CopyList list, CopyStatus status, CancellationToken cancellationToken)
    {
        LogicalUnit?[] units = [.. list.Targets.Select(target => target.Resolve(map))];
        var written = new HashSet<LogicalUnit>();
        foreach (CopySegment segment in list.Segments)
        {
            if (UnitAt(units, segment.Source) is not { } source || UnitAt(units, segment.Destination) is not { } destination)
                return nexus.Unit.Check(SenseData.UnreachableCopyTarget);
            ScsiOutcome? Refused() => Refusal(nexus, source, MediumUse.Read) ?? Refusal(nexus, destination, MediumUse.Write);
            if (Refused() is { } refusal)
                return refusal;
            if (segment.RangeOn(source.Device.Shape, CopySide.Source) is not { } from
                || segment.RangeOn(destination.Device.Shape, CopySide.Destination) is not { } to)
                return nexus.Unit.Check(SenseData.CopyAborted);
            written.Add(destination);
            ScsiOutcome copied = await Copier.CopyAsync(
                source, from.Offset, destination, to.Offset, to.Length, Refused, status, cancellationToken).ConfigureAwait(false);
            if (copied.Status != ScsiStatus.Good)
                return copied;
            status.SegmentDone();
        }

        foreach (LogicalUnit unit in written)
        {
            ScsiOutcome settled = await unit.SettleAsync().ConfigureAwait(false);
            if (settled.Status != ScsiStatus.Good)
                return settled;
        }

        return ScsiOutcome.Good;
    }

    private static LogicalUnit? UnitAt(LogicalUnit?[] units, int index) => index < units.Length ? units[index] : null;

    /// <summary>The nexus may do through this command what it may do by itself, and no more.</summary>
    private static ScsiOutcome? Refusal(ItlNexus nexus, LogicalUnit unit, MediumUse use)
    {
        ItlNexus own = nexus.Nexus.With(unit);
        ReservationAccess need = use == MediumUse.Read ? ReservationAccess.Read : ReservationAccess.Write;
        if (unit.IsReservedByAnother(own) || own.IsKeptFrom(need))
            return ScsiOutcome.ReservationConflict;
        if (unit != nexus.Unit && unit.NotReady is not null)
            return nexus.Unit.Check(SenseData.UnreachableCopyTarget);   // of the unit that was asked, "not ready" or "gone" would not be true
        return unit.Refusal(use) is { } sense ? nexus.Unit.Check(sense) : null;
    }

    /// <summary>A full or protected disk is told as a write tells it: initiators act on that. All else is the other device's failure.</summary>
    private static ScsiOutcome OutcomeOf(LogicalUnit asked, BlockDeviceException fault) => fault.Fault switch
    {
        BlockDeviceFault.NoSpace or BlockDeviceFault.WriteProtected or BlockDeviceFault.Fenced => asked.OutcomeOf(fault),
        _ => asked.Check(SenseData.ThirdPartyDeviceFailure),
    };
}

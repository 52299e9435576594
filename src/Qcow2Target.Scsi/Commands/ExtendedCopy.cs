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
            return nexus.Unit.Check(SenseData.InvalidFieldInParameterList(0));

        ScsiOutcome outcome = ScsiOutcome.Busy;
        try
        {
            outcome = await CopyAsync(nexus, map, list, status, cancellationToken).ConfigureAwait(false);
            return outcome;
        }
        catch (BlockDeviceException)
        {
            outcome = nexus.Unit.Check(SenseData.ThirdPartyDeviceFailure);
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
            if ((Refusal(nexus, source, MediumUse.Read) ?? Refusal(nexus, destination, MediumUse.Write)) is { } refusal)
                return refusal;
            if (segment.RangeOn(source.Device.Shape, CopySide.Source) is not { } from
                || segment.RangeOn(destination.Device.Shape, CopySide.Destination) is not { } to)
                return nexus.Unit.Check(SenseData.CopyAborted);
            await Copier.CopyAsync(source, from.Offset, destination, to.Offset, to.Length, status, cancellationToken).ConfigureAwait(false);
            written.Add(destination);
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
        return unit.Refusal(use) is { } sense ? nexus.Unit.Check(sense) : null;
    }
}

using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Reservations;

/// <summary>The persistent reservations of one logical unit. Commands read the snapshot; changes come one after the other.</summary>
internal sealed class ReservationTable(LogicalUnit unit, ILogicalUnitHost? host, PersistentReservations restored)
{
    private readonly RangeLock _turn = new();   // one range for all: changes wait their turn in order
    private volatile PersistentReservations _current = restored;

    public PersistentReservations Current => _current;

    /// <summary>Whether reservations can be kept over a loss of power (PTPL_C).</summary>
    public bool CanPersist => host is not null;

    /// <summary>Does one PERSISTENT RESERVE OUT: it is durable, told to those it concerns and their tasks are ended before the status.</summary>
    /// <exception cref="OperationCanceledException">The token ended the wait for its turn: nothing is done.</exception>
    public async ValueTask<ScsiOutcome> ChangeAsync(
        ItlNexus issuer, TaskAbortion abortion, Func<ReservationEdit, ReservationRefusal?> change, CancellationToken cancellationToken)
    {
        using RangeHold turn = await _turn.HoldAsync(0, 1, cancellationToken).ConfigureAwait(false);

        // Judged again: while the parameters came and others had their turn, the disk may have left and RESERVE may have been done.
        if (unit.Availability == UnitAvailability.Gone)
            return unit.Check(SenseData.UnitNotSupported);
        if (unit.IsReserved)
            return ScsiOutcome.ReservationConflict;
        PersistentReservations before = _current;
        var edit = new ReservationEdit(before, issuer.Nexus.Initiator);
        if (change(edit) is { } refusal)
            return refusal.Sense is { } sense ? unit.Check(sense) : ScsiOutcome.ReservationConflict;

        if (!unit.TryCloseToReserve())
            return ScsiOutcome.ReservationConflict;
        try
        {
            await PutInForceAsync(before, edit.After).ConfigureAwait(false);
        }
        catch (ReservationsNotSavedException)
        {
            return unit.Check(unit.Availability == UnitAvailability.Gone ? SenseData.UnitNotSupported : SenseData.InternalTargetFailure);
        }
        finally
        {
            unit.OpenToReserve();
        }

        foreach ((InitiatorPort initiator, UnitAttention attention) in edit.Attentions)
            unit.Raise(attention, initiator);
        if (abortion == TaskAbortion.OfPreempted && edit.Preempted.Count > 0)
            await EndTasksAsync(edit.Preempted).ConfigureAwait(false);
        return ScsiOutcome.Good;
    }

    private async ValueTask PutInForceAsync(PersistentReservations before, PersistentReservations after)
    {
        if (host is not null && (before.SurvivesPowerLoss || after.SurvivesPowerLoss))
            await host.SaveAsync(after.SurvivesPowerLoss ? after : PersistentReservations.None).ConfigureAwait(false);
        _current = after;
    }

    /// <summary>
    /// Ends when no task of those initiators can touch the disk any more. What the disk already has of them cannot be recalled and is waited for no longer
    /// than patience lasts: the host fences the unit then, and a piece of a copy keeps its blocks to itself until it is back.
    /// </summary>
    private async ValueTask EndTasksAsync(IReadOnlyCollection<InitiatorPort> initiators)
    {
        if (host is not null)
            await host.AbortTasksAsync(initiators).ConfigureAwait(false);
        using var patience = new CancellationTokenSource(ScsiLimits.AbortPatience, unit.Time);
        try
        {
            RangeHold pieces = await unit.Copying.HoldAsync(0, 1, patience.Token).ConfigureAwait(false);
            pieces.Dispose();
        }
        catch (OperationCanceledException)
        {
            // Such a piece waits for its blocks or has them, before whatever comes from now on: no later write is lost to it.
        }
    }
}

/// <summary>Whether a preemption ends the tasks of those it preempts.</summary>
internal enum TaskAbortion
{
    None,
    OfPreempted,
}

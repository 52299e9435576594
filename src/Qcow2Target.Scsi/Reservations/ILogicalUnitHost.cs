namespace Qcow2Target.Scsi.Reservations;

/// <summary>What a logical unit asks of its surroundings for persistent reservations. Any thread; calls for one unit come one at a time.</summary>
public interface ILogicalUnitHost
{
    /// <summary>Keeps <paramref name="reservations"/> over a loss of power, in place of what was kept before; <see cref="PersistentReservations.None"/> to keep nothing.</summary>
    /// <returns>Ends when they are on stable storage.</returns>
    /// <exception cref="ReservationsNotSavedException">What was kept before is still kept.</exception>
    ValueTask SaveAsync(PersistentReservations reservations);

    /// <summary>PREEMPT AND ABORT: ends every task of those initiators on the unit, without status.</summary>
    /// <returns>Ends when none of them can touch the disk any more, or the unit takes no write until then.</returns>
    ValueTask AbortTasksAsync(IReadOnlyCollection<InitiatorPort> initiators);
}

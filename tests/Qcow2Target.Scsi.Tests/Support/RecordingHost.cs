using Qcow2Target.Scsi.Reservations;

namespace Qcow2Target.Scsi.Tests.Support;

/// <summary>Remembers what a unit wanted kept and whose tasks it wanted ended.</summary>
internal sealed class RecordingHost : ILogicalUnitHost
{
    public List<PersistentReservations> Saved { get; } = [];

    public List<InitiatorPort> Aborted { get; } = [];

    public bool FailsToSave { get; set; }

    public ValueTask SaveAsync(PersistentReservations reservations)
    {
        if (FailsToSave)
            throw new ReservationsNotSavedException("Made to fail.");
        Saved.Add(reservations);
        return ValueTask.CompletedTask;
    }

    public ValueTask AbortTasksAsync(IReadOnlyCollection<InitiatorPort> initiators)
    {
        Aborted.AddRange(initiators);
        return ValueTask.CompletedTask;
    }
}

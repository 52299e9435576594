using Qcow2Target.Scsi.Reservations;

namespace Qcow2Target.Scsi.Tests.Support;

/// <summary>Remembers what a unit wanted kept and whose tasks it wanted ended.</summary>
internal sealed class RecordingHost : ILogicalUnitHost
{
    public List<PersistentReservations> Saved { get; } = [];

    public List<InitiatorPort> Aborted { get; } = [];

    public bool FailsToSave { get; set; }

    /// <summary>What saving waits for.</summary>
    public Task SaveGate { get; set; } = Task.CompletedTask;

    public async ValueTask SaveAsync(PersistentReservations reservations)
    {
        await SaveGate;
        if (FailsToSave)
            throw new ReservationsNotSavedException("Made to fail.");
        Saved.Add(reservations);
    }

    public ValueTask AbortTasksAsync(IReadOnlyCollection<InitiatorPort> initiators)
    {
        Aborted.AddRange(initiators);
        return ValueTask.CompletedTask;
    }
}

using Qcow2Target.Scsi.Operations;
using Qcow2Target.Scsi.Reservations;

namespace Qcow2Target.Actors.Targets;

/// <summary>What a unit needs of its target and of the target's manager, brought into their mailboxes. Any thread.</summary>
/// <param name="target">The target.</param>
/// <param name="manager">Its manager.</param>
/// <param name="lun">LUN id.</param>
/// <param name="file">Which file the unit's medium is.</param>
internal sealed class UnitHost(IActorRef target, IActorRef manager, int lun, StoredFile file) : ILogicalUnitHost, ISanitizeKeeper
{
    /// <summary>A state file that takes longer is as good as lost to the initiator, which will ask what is in force.</summary>
    private static readonly TimeSpan SavePatience = TimeSpan.FromSeconds(20);

    public async ValueTask SaveAsync(PersistentReservations reservations)
    {
        var done = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        target.Tell(new KeepReservations(lun, StoredReservations.From(reservations), done), ActorRefs.NoSender);
        string? fault;
        try
        {
            fault = await done.Task.WaitAsync(SavePatience).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            fault = "the target did not answer";
        }
        if (fault is not null)
            throw new ReservationsNotSavedException(fault);
    }

    // No patience here: a record that comes to be kept after its command gave up would sanitize a medium that is in use again.
    public async ValueTask<bool> TryKeepAsync(SanitizeRecord? record)
    {
        var done = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        manager.Tell(new KeepSanitize(file, record is null ? null : StoredSanitize.From(file, record), done), ActorRefs.NoSender);
        return await done.Task.ConfigureAwait(false);
    }

    public async ValueTask AbortTasksAsync(IReadOnlyCollection<InitiatorPort> initiators)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        target.Tell(new AbortTasksOf(lun, initiators, done), ActorRefs.NoSender);
        // The target answers within its own patience; one that fails closes every session, and with them every task.
        await Task.WhenAny(done.Task, Task.Delay(SavePatience)).ConfigureAwait(false);
    }
}

/// <summary>Keep a LUN's persistent reservations over a loss of power. <paramref name="Done"/> gets null, or why they are not kept.</summary>
internal sealed record KeepReservations(int Lun, StoredReservations? Reservations, TaskCompletionSource<string?> Done);

/// <summary>End the tasks of these initiator ports on a LUN, without status.</summary>
internal sealed record AbortTasksOf(int Lun, IReadOnlyCollection<InitiatorPort> Initiators, TaskCompletionSource Done);

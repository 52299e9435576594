using Qcow2Target.Scsi.Operations;
using Qcow2Target.Scsi.Reservations;

namespace Qcow2Target.Actors.Targets;

/// <summary>What a unit needs of its target and of the target's manager, brought into their mailboxes. Any thread.</summary>
/// <param name="target">The target.</param>
/// <param name="manager">Its manager.</param>
/// <param name="entry">The unit's place in the target: of another thread here, which only names it.</param>
/// <param name="file">Which file the unit's medium is.</param>
internal sealed class UnitHost(IActorRef target, IActorRef manager, LunEntry entry, StoredFile file) : ILogicalUnitHost, ISanitizeKeeper
{
    /// <summary>A state file that takes longer is as good as lost to the initiator, which will ask what is in force.</summary>
    public TimeSpan SavePatience { get; init; } = TimeSpan.FromSeconds(20);

    public async ValueTask SaveAsync(PersistentReservations reservations)
    {
        var done = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var request = new KeepReservations(entry, StoredReservations.From(reservations), done);
        target.Tell(request, ActorRefs.NoSender);
        await ((Task)done.Task).WaitAsync(SavePatience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        // Whoever sets the result first decides for both sides.
        if (done.TrySetResult("the target did not answer"))
            target.Tell(new GiveUpReservations(request), ActorRefs.NoSender);
        if (await done.Task.ConfigureAwait(false) is { } fault)
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
        target.Tell(new AbortTasksOf(entry.Lun, initiators, done), ActorRefs.NoSender);
        // The target answers within its own patience; one that fails closes every session, and with them every task.
        await Task.WhenAny(done.Task, Task.Delay(SavePatience)).ConfigureAwait(false);
    }
}

/// <summary>Keep a LUN's persistent reservations over a loss of power. <paramref name="Done"/> gets null, or why they are not kept.</summary>
/// <param name="Entry">The LUN: the same id may be another disk's when this comes.</param>
/// <param name="Reservations">What is to be kept, or null for nothing.</param>
/// <param name="Done">Whoever sets it first decides whether they are in force.</param>
internal sealed record KeepReservations(LunEntry Entry, StoredReservations? Reservations, TaskCompletionSource<string?> Done);

/// <summary>After <see cref="KeepReservations"/>: its asker has set the result itself, and holds the reservations for what they were before.</summary>
internal sealed record GiveUpReservations(KeepReservations Request);

/// <summary>End the tasks of these initiator ports on a LUN, without status.</summary>
internal sealed record AbortTasksOf(int Lun, IReadOnlyCollection<InitiatorPort> Initiators, TaskCompletionSource Done);

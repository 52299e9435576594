namespace Qcow2Target.Actors.Targets;

/// <summary>
/// What of a target's LUNs goes to the manager for the state file, and the savings of reservations that it has not answered yet. Belongs to
/// the target's actor.
/// </summary>
internal sealed class LunSaves(int targetId, IActorRef manager, LunTable luns)
{
    private readonly Dictionary<long, (KeepReservations Request, StoredReservations? Before)> _reservations = [];
    private long _lastNumber;

    /// <summary>Has the LUNs saved as they are now; the answer carries the number.</summary>
    public long Begin()
    {
        manager.Tell(new SaveLuns(targetId, luns.Stored(), ++_lastNumber));
        return _lastNumber;
    }

    /// <summary>Takes reservations over into what is stored; answered at once where the LUN has gone meanwhile.</summary>
    public void Keep(KeepReservations request)
    {
        if (luns.Find(request.Lun) is not { } entry)
        {
            request.Done.TrySetResult("the LUN is gone");
            return;
        }
        var before = entry.Reservations;
        entry.Reservations = request.Reservations;
        _reservations[Begin()] = (request, before);
    }

    public void Saved(long number)
    {
        if (_reservations.Remove(number, out var save))
            save.Request.Done.TrySetResult(null);
    }

    /// <summary>Reservations are what they were before.</summary>
    public void NotSaved(long number, string reason)
    {
        if (!_reservations.Remove(number, out var save))
            return;
        if (luns.Find(save.Request.Lun) is { } entry && entry.Reservations == save.Request.Reservations)
            entry.Reservations = save.Before;
        save.Request.Done.TrySetResult(reason);
    }
}

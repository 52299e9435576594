namespace Qcow2Target.Actors.Targets;

/// <summary>
/// What of a target's LUNs goes to the manager for the state file, and the savings of reservations that it has not answered yet. Belongs to
/// the target's actor.
/// </summary>
internal sealed class LunSaves(int targetId, IActorRef manager, LunTable luns)
{
    private readonly Dictionary<long, (KeepReservations Request, StoredReservations? Before)> _reservations = [];
    private long _lastNumber;

    /// <summary>Has changes saved, and before them that LUNs have gone; the answer carries the number.</summary>
    public long Begin(params IReadOnlyList<LunChange> changes)
    {
        manager.Tell(new SaveLuns(targetId, [.. luns.TakeGone().Select(lun => new LunChange.InForce(lun, null)), .. changes], ++_lastNumber));
        return _lastNumber;
    }

    /// <summary>Has it saved that LUNs have gone, if any have, though nobody waits for it.</summary>
    public void TellGone()
    {
        if (luns.HasGone)
            Begin();
    }

    /// <summary>Takes reservations over into what is stored; answered at once where their LUN has gone, also if its id is another disk's by now.</summary>
    public void Keep(KeepReservations request)
    {
        var entry = request.Entry;
        if (!IsThere(entry))
        {
            request.Done.TrySetResult("the LUN is gone");
            return;
        }
        var before = entry.Reservations;
        entry.Reservations = request.Reservations;
        _reservations[Begin(new LunChange.Proposed(entry.Stored))] = (request, before);
    }

    /// <summary>Who asked waits no longer and holds its reservations for what they were: so they are again, whatever becomes of the save.</summary>
    public void GiveUp(KeepReservations request)
    {
        foreach (var (number, save) in _reservations)
        {
            if (save.Request != request)
                continue;
            _reservations.Remove(number);
            PutBack(request.Entry, save.Before);
            return;
        }
    }

    public void Saved(long number)
    {
        if (_reservations.Remove(number, out var save) && !save.Request.Done.TrySetResult(null))
            PutBack(save.Request.Entry, save.Before);   // it was given up just now
    }

    /// <summary>Reservations are what they were before, here and with the manager.</summary>
    public void NotSaved(long number, string reason)
    {
        if (!_reservations.Remove(number, out var save))
            return;
        save.Request.Entry.Reservations = save.Before;
        save.Request.Done.TrySetResult(reason);
    }

    private void PutBack(LunEntry entry, StoredReservations? before)
    {
        entry.Reservations = before;
        if (IsThere(entry))
            Begin(new LunChange.InForce(entry.Lun, entry.Stored));
    }

    private bool IsThere(LunEntry entry) => luns.Find(entry.Lun) == entry;
}

namespace Qcow2Target.Actors.Targets;

/// <summary>The savings of reservations that the manager has not answered yet. Belongs to the target's actor.</summary>
internal sealed class ReservationSaves(LunTable luns)
{
    private readonly Dictionary<long, (KeepReservations Request, StoredReservations? Before)> _waiting = [];

    /// <summary>Takes them over into what is stored; false, and answered, where the LUN has gone meanwhile.</summary>
    public bool TryBegin(KeepReservations request, long number)
    {
        if (luns.Find(request.Lun) is not { } entry)
        {
            request.Done.TrySetResult("the LUN is gone");
            return false;
        }
        _waiting[number] = (request, entry.Reservations);
        entry.Reservations = request.Reservations;
        return true;
    }

    public void Saved(long number)
    {
        if (_waiting.Remove(number, out var save))
            save.Request.Done.TrySetResult(null);
    }

    /// <summary>They are what they were before.</summary>
    public void NotSaved(long number, string reason)
    {
        if (!_waiting.Remove(number, out var save))
            return;
        if (luns.Find(save.Request.Lun) is { } entry && entry.Reservations == save.Request.Reservations)
            entry.Reservations = save.Before;
        save.Request.Done.TrySetResult(reason);
    }
}

using Qcow2Target.Scsi.Reservations;

namespace Qcow2Target.Actors.Targets;

/// <summary>Persistent reservations of one LUN as the state file holds them (APTPL).</summary>
/// <param name="Registrations">Who is registered, in order.</param>
/// <param name="Type">Type of the reservation as it goes over the wire, or null when there is none.</param>
/// <param name="Holder">Index of the registration that holds it, or null where all hold it or there is none.</param>
public sealed record StoredReservations(IReadOnlyList<StoredRegistration> Registrations, ReservationType? Type, int? Holder)
{
    /// <summary>Null where there is nothing to keep.</summary>
    public static StoredReservations? From(PersistentReservations reservations)
    {
        if (!reservations.SurvivesPowerLoss)
            return null;
        var holder = reservations.Registrations.ToList().FindIndex(r => r.Initiator.Equals(reservations.Holder));
        return new StoredReservations(
            [.. reservations.Registrations.Select(r => new StoredRegistration(r.Initiator.Name, r.Initiator.SessionId, r.Key, r.AllTargetPorts))],
            reservations.Type,
            holder < 0 ? null : holder);
    }

    /// <summary>What is in force after power on: the same, but for a generation of 0 (SPC-4 clause 5.13.2). A holder that is not there holds nothing.</summary>
    public PersistentReservations Restore()
    {
        var registrations = Registrations.Select(r => new Registration(new InitiatorPort(r.Initiator, r.SessionId), r.Key, r.AllTargetPorts)).ToList();
        var holder = Holder is { } index && index >= 0 && index < registrations.Count ? registrations[index].Initiator : null;
        var isWhole = Type is null || holder is not null || Type is ReservationType.WriteExclusiveAllRegistrants or ReservationType.ExclusiveAccessAllRegistrants;
        return new PersistentReservations
        {
            SurvivesPowerLoss = true,
            Registrations = [.. registrations],
            Type = isWhole ? Type : null,
            Holder = isWhole ? holder : null,
        };
    }
}

/// <param name="Initiator">iSCSI name in lower case.</param>
/// <param name="SessionId">ISID.</param>
/// <param name="Key">Reservation key.</param>
/// <param name="AllTargetPorts">ALL_TG_PT.</param>
public sealed record StoredRegistration(string Initiator, ulong SessionId, ulong Key, bool AllTargetPorts);

using System.Collections.Immutable;

namespace Qcow2Target.Scsi.Reservations;

/// <summary>A registered I_T nexus.</summary>
/// <param name="Initiator">The initiator port; the target port is the unit's.</param>
/// <param name="Key">Reservation key, not 0.</param>
/// <param name="AllTargetPorts">Registered with ALL_TG_PT, which READ FULL STATUS tells.</param>
public sealed record Registration(InitiatorPort Initiator, ulong Key, bool AllTargetPorts);

/// <summary>Who is registered with a logical unit and which reservation there is (SPC-4 5.13): an immutable snapshot.</summary>
public sealed record PersistentReservations
{
    public static PersistentReservations None { get; } = new();

    /// <summary>PRGENERATION: counts changes of the registrations since power on.</summary>
    public uint Generation { get; init; }

    /// <summary>APTPL of the last registration: all of it survives a loss of power.</summary>
    public bool SurvivesPowerLoss { get; init; }

    public ImmutableArray<Registration> Registrations { get; init; } = [];

    /// <summary>Type of the reservation, or null when there is none.</summary>
    public ReservationType? Type { get; init; }

    /// <summary>Who holds it; null where there is none and where all registrants hold it.</summary>
    public InitiatorPort? Holder { get; init; }

    public Registration? Find(InitiatorPort initiator)
    {
        foreach (Registration registration in Registrations)
        {
            if (registration.Initiator.Equals(initiator))
                return registration;
        }

        return null;
    }

    /// <summary>Whether that registrant holds the reservation.</summary>
    public bool IsHeldBy(Registration registration) =>
        Type is { } type && (type.IsAllRegistrants() || registration.Initiator.Equals(Holder));

    /// <summary>What <paramref name="initiator"/> may do with the unit (SPC-4 table 63).</summary>
    internal ReservationAccess AccessOf(InitiatorPort initiator)
    {
        if (Type is not { } type)
            return ReservationAccess.Write;
        if (Find(initiator) is { } registration && (type.AdmitsRegistrants() || IsHeldBy(registration)))
            return ReservationAccess.Write;
        return type.AdmitsReaders() ? ReservationAccess.Read : ReservationAccess.None;
    }
}

/// <summary>How much a command needs, and a nexus is granted, under a persistent reservation; each includes those above it.</summary>
internal enum ReservationAccess
{
    /// <summary>Commands that never conflict.</summary>
    None,

    /// <summary>Commands that a write exclusive reservation lets everybody do.</summary>
    Read,

    /// <summary>Commands that change the medium or the unit.</summary>
    Write,

    /// <summary>The older RESERVE and RELEASE, which conflict as soon as anybody is registered (CRH 0).</summary>
    Superseded,
}

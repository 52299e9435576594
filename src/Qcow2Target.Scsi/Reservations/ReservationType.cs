namespace Qcow2Target.Scsi.Reservations;

/// <summary>What a persistent reservation keeps from whom (SPC-4 table 67). The values go over the wire and into the state file.</summary>
public enum ReservationType : byte
{
    WriteExclusive = 1,
    ExclusiveAccess = 3,
    WriteExclusiveRegistrantsOnly = 5,
    ExclusiveAccessRegistrantsOnly = 6,
    WriteExclusiveAllRegistrants = 7,
    ExclusiveAccessAllRegistrants = 8,
}

internal static class ReservationTypes
{
    /// <summary>Of the SCOPE and TYPE fields of a CDB; null where scope or type is none of ours.</summary>
    public static ReservationType? Parse(byte scopeAndType) => (ReservationType)scopeAndType is var type && Enum.IsDefined(type) ? type : null;

    /// <summary>Every registrant holds the reservation.</summary>
    public static bool IsAllRegistrants(this ReservationType type) =>
        type is ReservationType.WriteExclusiveAllRegistrants or ReservationType.ExclusiveAccessAllRegistrants;

    /// <summary>Every registrant may do what the holder may.</summary>
    public static bool AdmitsRegistrants(this ReservationType type) =>
        type.IsAllRegistrants() || type is ReservationType.WriteExclusiveRegistrantsOnly or ReservationType.ExclusiveAccessRegistrantsOnly;

    /// <summary>Those who are kept out may still read.</summary>
    public static bool AdmitsReaders(this ReservationType type) =>
        type is ReservationType.WriteExclusive or ReservationType.WriteExclusiveRegistrantsOnly or ReservationType.WriteExclusiveAllRegistrants;
}

using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Reservations;

/// <summary>Why a PERSISTENT RESERVE OUT is not done: with a sense, or with status RESERVATION CONFLICT.</summary>
internal readonly record struct ReservationRefusal(SenseData? Sense)
{
    public static ReservationRefusal Conflict => new(null);

    public static ReservationRefusal Field(int byteOfList, int? bit = null) => new(SenseData.InvalidFieldInParameterList(byteOfList, bit));
}

/// <summary>The reservations could not be brought to stable storage: they are as they were.</summary>
public sealed class ReservationsNotSavedException(string message) : Exception(message);

using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>
/// RESERVE and RELEASE, (6) and (10) (SPC-2 7.16, 7.17, 7.21, 7.22): the whole unit for one nexus, until it releases it, ends or the unit
/// is reset. The dispatch has already turned away a RESERVE that conflicts, and lets every RELEASE in.
/// </summary>
internal static class ReserveRelease
{
    private const byte ThirdParty = 0x10;
    private const int ThirdPartyBit = 4;
    private const byte Extent = 0x01;
    private const int ExtentBit = 0;

    public static CommandPlan BeginReserve(in CommandContext context)
    {
        if (Refusal(context.Cdb[1]) is { } sense)
            return context.Refuse(sense);
        return context.Unit.TryReserve(context.Nexus) ? context.Good() : context.Complete(ScsiOutcome.ReservationConflict);
    }

    public static CommandPlan BeginRelease(in CommandContext context)
    {
        if (Refusal(context.Cdb[1]) is { } sense)
            return context.Refuse(sense);
        context.Unit.Release(context.Nexus);
        return context.Good();
    }

    private static SenseData? Refusal(byte flags) =>
        (flags & ThirdParty) != 0 ? SenseData.InvalidFieldInCdb(1, ThirdPartyBit)
        : (flags & Extent) != 0 ? SenseData.InvalidFieldInCdb(1, ExtentBit)
        : null;
}

using Qcow2Target.Scsi.Cdb;

namespace Qcow2Target.Scsi.Commands;

/// <summary>PRE-FETCH (10) and (16) (SBC-3 5.6, 5.7): advice that the page cache needs no help with. GOOD, for nothing is promised to be cached.</summary>
internal static class PreFetch
{
    public static CommandPlan Begin(in CommandContext context) =>
        context.MediumRefusal(MediumUse.Read, BlockCdb.Parse(context.Cdb).Range) is { } sense ? context.Refuse(sense) : context.Good();
}

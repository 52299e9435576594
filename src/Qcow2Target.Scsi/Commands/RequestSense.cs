using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>REQUEST SENSE (SPC-4 6.39): takes a pending unit attention, tells whether the unit is ready, else that nothing is amiss.</summary>
internal static class RequestSense
{
    private const byte Descriptor = 0x01;

    public static CommandPlan Begin(in CommandContext context)
    {
        SenseData sense = context.Nexus.Attentions.TryTake(out UnitAttention attention)
            ? SenseData.Attention(attention)
            : context.Unit.Medium.Operation?.Sense ?? context.Unit.NotReady ?? SenseData.NoSense;
        return CommandPlan.Complete(context.Unit, Answer(context.Cdb, sense));
    }

    /// <summary>GOOD with <paramref name="sense"/> as data; here the CDB chooses the format.</summary>
    public static ScsiOutcome Answer(ReadOnlySpan<byte> cdb, SenseData sense)
    {
        byte[] data = sense.Encode((cdb[1] & Descriptor) != 0 ? SenseFormat.Descriptor : SenseFormat.Fixed);
        return ScsiOutcome.GoodWith(data.AsMemory(0, Math.Min(data.Length, cdb[4])));
    }
}

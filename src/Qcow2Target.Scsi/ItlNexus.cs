using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi;

/// <summary>An I_T_L nexus: what one logical unit owes one I_T nexus.</summary>
internal sealed class ItlNexus(ItNexus nexus, LogicalUnit unit)
{
    public ItNexus Nexus { get; } = nexus;

    public LogicalUnit Unit { get; } = unit;

    public UnitAttentionQueue Attentions { get; } = new(nexus.FirstAttention);

    public void Raise(UnitAttention attention) => Attentions.Raise(attention);
}

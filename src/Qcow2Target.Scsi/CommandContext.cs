using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi;

/// <summary>One command for a present logical unit while its CDB is judged: everything it may look at, each read once.</summary>
internal readonly ref struct CommandContext(ReadOnlySpan<byte> cdb, LogicalUnit unit, ItlNexus nexus, LunMap map, long expectedDataOut)
{
    public ReadOnlySpan<byte> Cdb { get; } = cdb;

    public LogicalUnit Unit { get; } = unit;

    public ItlNexus Nexus { get; } = nexus;

    public LunMap Map { get; } = map;

    public ModeParameters Modes { get; } = unit.Modes;

    public BlockDeviceShape Shape { get; } = unit.Device.Shape;

    /// <summary>Bytes that the initiator is ready to send.</summary>
    public long ExpectedDataOut { get; } = expectedDataOut;

    public CommandPlan Complete(ScsiOutcome outcome) => CommandPlan.Complete(Unit, outcome);

    public CommandPlan Good() => CommandPlan.Complete(Unit, ScsiOutcome.Good);

    public CommandPlan Refuse(SenseData sense) => CommandPlan.Complete(Unit, ScsiOutcome.Check(sense, Modes.SenseFormat));

    /// <summary>GOOD with <paramref name="data"/> as far as the allocation length goes.</summary>
    public CommandPlan Answer(byte[] data, uint allocationLength) =>
        CommandPlan.Complete(Unit, ScsiOutcome.GoodWith(data.AsMemory(0, (int)Math.Min((uint)data.Length, allocationLength))));

    /// <summary>Why the medium cannot be used so: not ready before write protected; null when it can.</summary>
    public SenseData? MediumRefusal(MediumUse use) => Unit.Refusal(use, Shape, Modes);

    /// <summary>As <see cref="MediumRefusal(MediumUse)"/>, then the range.</summary>
    public SenseData? MediumRefusal(MediumUse use, BlockRange range) =>
        MediumRefusal(use) ?? (range.IsWithin(Shape) ? null : SenseData.LbaOutOfRange);
}

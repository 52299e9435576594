using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi;

/// <summary>
/// How a command ended: its status, with the sense data of a CHECK CONDITION or the data-in of one that was answered whole.
/// Immutable; outcomes without bytes are shared, so that a READ or WRITE allocates none.
/// </summary>
public sealed class ScsiOutcome
{
    private ScsiOutcome(ScsiStatus status) => Status = status;

    public static ScsiOutcome Good { get; } = new(ScsiStatus.Good);
    public static ScsiOutcome ConditionMet { get; } = new(ScsiStatus.ConditionMet);
    public static ScsiOutcome Busy { get; } = new(ScsiStatus.Busy);
    public static ScsiOutcome TaskSetFull { get; } = new(ScsiStatus.TaskSetFull);
    public static ScsiOutcome ReservationConflict { get; } = new(ScsiStatus.ReservationConflict);

    public ScsiStatus Status { get; }

    /// <summary>Data-in, already cut to the CDB's allocation length; empty unless the status is GOOD.</summary>
    public ReadOnlyMemory<byte> DataIn { get; private init; }

    /// <summary>Sense data in the format in force (8 to 28 bytes), without a length prefix; empty unless CHECK CONDITION.</summary>
    public ReadOnlyMemory<byte> Sense { get; private init; }

    /// <summary>The sense as a value, for logs and metrics.</summary>
    public SenseData? Condition { get; private init; }

    /// <summary>GOOD with <paramref name="data"/>, which belongs to the outcome from now on.</summary>
    public static ScsiOutcome GoodWith(ReadOnlyMemory<byte> data) => data.IsEmpty ? Good : new(ScsiStatus.Good) { DataIn = data };

    /// <summary>CHECK CONDITION.</summary>
    public static ScsiOutcome Check(SenseData condition, SenseFormat format) =>
        new(ScsiStatus.CheckCondition) { Condition = condition, Sense = condition.Encode(format) };

    public override string ToString() => Condition is { } condition ? $"{Status} {condition.Code}" : $"{Status}";
}

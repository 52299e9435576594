using Qcow2Target.Scsi.Reservations;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Tests.Support;

/// <summary>One disk at LUN 0 of a target, and a nexus that has taken its first unit attention already.</summary>
internal sealed class Bench
{
    public static readonly TargetPort Port = new("iqn.2018-05.com.networkoptix:bench", PortalGroupTag: 1, RelativePortId: 1);

    private static int _initiators;

    public Bench(MemoryBlockDevice? device = null, ModeParameters? modes = null, LogicalUnitSettings? settings = null)
    {
        Device = device ?? new MemoryBlockDevice();
        settings ??= new LogicalUnitSettings();
        Unit = new LogicalUnit(Device, LogicalUnitIdentity.FromSeed("bench"), settings with { Modes = modes ?? settings.Modes });
        Map = LunMap.Empty.With(0, Unit);
        Nexus = NewNexus();
    }

    public MemoryBlockDevice Device { get; }

    public LogicalUnit Unit { get; }

    public LunMap Map { get; set; }

    public ItNexus Nexus { get; }

    public ItNexus NewNexus()
    {
        ItNexus nexus = FreshNexus();
        Begin([0x00, 0, 0, 0, 0, 0], nexus: nexus);
        return nexus;
    }

    /// <summary>An initiator port like no other.</summary>
    public static InitiatorPort FreshInitiator() => new("iqn.2018-05.test:initiator", (ulong)Interlocked.Increment(ref _initiators));

    public static ItNexus FreshNexus() => new(Port, FreshInitiator(), UnitAttention.PowerOn);

    /// <summary>Judges a CDB, padded to the 16 bytes that iSCSI sends.</summary>
    public CommandPlan Begin(ReadOnlySpan<byte> cdb, long dataOut = 0, ulong lun = 0, ItNexus? nexus = null)
    {
        byte[] padded = new byte[Math.Max(16, cdb.Length)];
        cdb.CopyTo(padded);
        return Map.Begin(lun, padded, nexus ?? Nexus, dataOut);
    }

    /// <summary>Runs a command to its end as a transport would: what <paramref name="dataOut"/> holds is what the initiator expects to send.</summary>
    public ScsiOutcome Run(ReadOnlySpan<byte> cdb, byte[]? dataOut = null, ulong lun = 0, ItNexus? nexus = null, CancellationToken cancellationToken = default)
    {
        CommandPlan plan = Begin(cdb, dataOut?.Length ?? 0, lun, nexus);
        return RunAsync(plan, dataOut ?? [], cancellationToken).AsTask().GetAwaiter().GetResult();
    }

    /// <summary>The data-in of a command that must be GOOD.</summary>
    public byte[] Data(ReadOnlySpan<byte> cdb, ulong lun = 0, ItNexus? nexus = null)
    {
        ScsiOutcome outcome = Run(cdb, lun: lun, nexus: nexus);
        Assert.Equal(ScsiStatus.Good, outcome.Status);
        return outcome.DataIn.ToArray();
    }

    /// <summary>The sense of a command that must fail, as <c>key/asc/ascq</c>, with <c>@byte.bit</c> where it points at a field (P: of the parameters).</summary>
    public string Refusal(ReadOnlySpan<byte> cdb, byte[]? dataOut = null, ulong lun = 0, ItNexus? nexus = null)
    {
        ScsiOutcome outcome = Run(cdb, dataOut, lun, nexus);
        Assert.True(outcome.DataIn.IsEmpty);
        return Describe(outcome);
    }

    public static string Describe(ScsiOutcome outcome)
    {
        if (outcome.Condition is not { } sense)
            return outcome.Status.ToString();
        string field = sense.Field is { } pointer
            ? $"@{(pointer.Location == FieldLocation.ParameterList ? "P" : "")}{pointer.Byte}{(pointer.Bit is { } bit ? $".{bit}" : "")}"
            : "";
        string information = sense.Information is { } value ? $"+{value}" : "";
        return $"{sense.Code}{field}{information}";
    }

    public static async ValueTask<ScsiOutcome> RunAsync(CommandPlan plan, byte[] dataOut, CancellationToken cancellationToken)
    {
        switch (plan.Kind)
        {
            case PlanKind.Complete:
                return plan.Outcome!;
            case PlanKind.Read:
                byte[] data = new byte[plan.Length];
                ScsiOutcome read = plan.TryRead(0, data) ? ScsiOutcome.Good : await plan.ReadAsync(0, data);
                return read.Status == ScsiStatus.Good ? ScsiOutcome.GoodWith(data) : read;
            case PlanKind.Write:
                int length = (int)Math.Min(plan.Length, dataOut.Length);
                ScsiOutcome written = plan.TryWrite(0, dataOut.AsSpan(0, length)) ? ScsiOutcome.Good : await plan.WriteAsync(0, dataOut.AsMemory(0, length), cancellationToken);
                return written.Status == ScsiStatus.Good ? await plan.FinishAsync(length) : written;
            default:
                return await plan.ExecuteAsync(dataOut.AsMemory(0, (int)Math.Min(plan.Length, dataOut.Length)), cancellationToken);
        }
    }
}

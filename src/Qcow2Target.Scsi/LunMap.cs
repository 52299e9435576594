using Qcow2Target.Scsi.Commands;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi;

/// <summary>
/// The logical units of a target by number: an immutable snapshot, which the target's owner publishes and every command reads once.
/// It is the entry of this room: <see cref="Begin"/> judges a command for whatever its LUN field names, also nothing.
/// </summary>
public sealed class LunMap
{
    private readonly LogicalUnit?[] _units;

    private LunMap(LogicalUnit?[] units) => _units = units;

    public static LunMap Empty { get; } = new([]);

    /// <summary>The unit with that number, or null.</summary>
    public LogicalUnit? this[int lun] => (uint)lun < (uint)_units.Length ? _units[lun] : null;

    /// <summary>The numbers in use, ascending.</summary>
    public IEnumerable<int> Luns => Enumerable.Range(0, _units.Length).Where(lun => _units[lun] is not null);

    /// <summary>This map with <paramref name="unit"/> at <paramref name="lun"/> (0 to 16383), in place of what was there.</summary>
    public LunMap With(int lun, LogicalUnit unit)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lun);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(lun, ScsiLimits.MaxLuns);
        var units = new LogicalUnit?[Math.Max(_units.Length, lun + 1)];
        _units.CopyTo(units, 0);
        units[lun] = unit;
        return new LunMap(units);
    }

    /// <summary>This map without that number.</summary>
    public LunMap Without(int lun)
    {
        if (this[lun] is null)
            return this;
        LogicalUnit?[] units = [.. _units];
        units[lun] = null;
        return new LunMap(units);
    }

    /// <summary>Format of the sense that the unit named by the LUN field reports; fixed where there is none.</summary>
    public SenseFormat SenseFormatOf(ulong lunField) =>
        LunField.TryDecode(lunField, out int lun) && this[lun] is { } unit ? unit.Modes.SenseFormat : SenseFormat.Fixed;

    /// <summary>Judges a command: the order of checks is LUN, unit attention, reservation, CDB, readiness, write protection, range, limits, data.</summary>
    /// <param name="lunField">The LUN field of the command, as a big-endian number.</param>
    /// <param name="cdb">The CDB; 16 bytes in iSCSI, longer with an additional header segment. Not kept.</param>
    /// <param name="nexus">Who asks.</param>
    /// <param name="expectedDataOut">Bytes that the initiator is ready to send (EDTL with the W bit, else 0): some commands refuse another length than theirs.</param>
    public CommandPlan Begin(ulong lunField, ReadOnlySpan<byte> cdb, ItNexus nexus, long expectedDataOut)
    {
        // A retired unit may stand in an old snapshot for a while: it is as absent as in the next one.
        if (LunField.TryDecode(lunField, out int lun) && this[lun] is { Availability: not UnitAvailability.Gone } unit)
            return CommandDispatch.Begin(new CommandContext(cdb, unit, nexus.With(unit), this, expectedDataOut));
        return AbsentUnit.Begin(lunField, cdb, nexus, this);
    }
}

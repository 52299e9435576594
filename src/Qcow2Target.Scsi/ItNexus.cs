using System.Collections.Concurrent;
using Qcow2Target.Scsi.Reservations;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi;

/// <summary>
/// An I_T nexus: one initiator port at one target port, in iSCSI one session. It remembers what each logical unit owes it (unit
/// attentions, a reservation). Thread-safe; <see cref="Close"/> it when the session ends.
/// </summary>
/// <param name="port">The target port it came through.</param>
/// <param name="initiator">The initiator port it came from.</param>
/// <param name="firstAttention">What its first command to each unit is told: <see cref="UnitAttention.PowerOn"/>, or <see cref="UnitAttention.NexusLoss"/> for one that comes back.</param>
public sealed class ItNexus(TargetPort port, InitiatorPort initiator, UnitAttention firstAttention)
{
    private readonly ConcurrentDictionary<LogicalUnit, ItlNexus> _units = new();
    private volatile bool _closed;

    public TargetPort Port { get; } = port;

    public InitiatorPort Initiator { get; } = initiator;

    internal UnitAttention FirstAttention { get; } = firstAttention;

    /// <summary>Raises <paramref name="attention"/> on every unit that this nexus has used; one it has not used yet will tell of itself.</summary>
    public void Raise(UnitAttention attention)
    {
        foreach (ItlNexus nexus in _units.Values)
            nexus.Raise(attention);
    }

    /// <summary>Raises <paramref name="attention"/> for this nexus on <paramref name="unit"/>, as its first words if it has not used the unit yet.</summary>
    public void Raise(LogicalUnit unit, UnitAttention attention) => With(unit).Raise(attention);

    /// <summary>The connection is gone: this nexus prevents no removal any more. <see cref="Close"/> follows when its tasks have ended.</summary>
    public void AllowRemoval()
    {
        foreach (ItlNexus nexus in _units.Values)
            nexus.Unit.Tray?.Allow(nexus);
    }

    /// <summary>Nexus loss: gives back reservations and removal prevention, forgets attentions. Final, idempotent.</summary>
    public void Close()
    {
        _closed = true;
        foreach (ItlNexus nexus in _units.Values)
            nexus.Unit.Leave(nexus);
        _units.Clear();
    }

    internal ItlNexus With(LogicalUnit unit)
    {
        if (_units.TryGetValue(unit, out ItlNexus? nexus))
            return nexus;

        nexus = _units.GetOrAdd(unit, static (unit, owner) => new ItlNexus(owner, unit), this);
        unit.Join(nexus);
        if (_closed)   // a command that was under way when the session ended must leave nothing behind
            unit.Leave(nexus);
        if (unit.Availability == UnitAvailability.Gone)   // it went at the same time: a session that lasts must not keep the disk in memory
        {
            unit.Leave(nexus);
            Forget(unit);
        }

        return nexus;
    }

    internal void Clear(UnitAttention attention)
    {
        foreach (ItlNexus nexus in _units.Values)
            nexus.Attentions.Remove(attention);
    }

    internal void Forget(LogicalUnit unit) => _units.TryRemove(unit, out _);
}

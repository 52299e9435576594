using Qcow2Target.Actors.Disks;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Scsi;

namespace Qcow2Target.Actors.Sessions;

/// <summary>The LUNs of a session's target, for task management: whether one is there, and how it is kept from writes. Any thread.</summary>
public sealed class SessionFences(Published<LunMap> luns)
{
    /// <summary>Whether the LUN field names a unit.</summary>
    public bool Exists(ulong lunField) => LunTable.UnitsOf(luns.Value, lunField).Any();

    /// <summary>No write starts on that LUN, or on any, until the task has ended.</summary>
    public void Raise(ulong? lunField, Task until)
    {
        foreach (var unit in LunTable.UnitsOf(luns.Value, lunField))
            ((DiskPort)unit.Device).FenceUntil(until);
    }
}

using Qcow2Target.Actors.Disks;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Scsi;

namespace Qcow2Target.Actors.Sessions;

/// <summary>The LUNs of a session's target, for task management: whether one is there, and how it is kept from writes. Any thread.</summary>
public sealed class SessionFences(Published<LunMap> luns)
{
    /// <summary>Whether the LUN field names a unit.</summary>
    public bool Exists(ulong lunField) => LunTable.UnitsOf(luns.Value, lunField).Any();

    /// <summary>No write starts on that LUN until the task has ended.</summary>
    public void Raise(ulong lunField, Task until)
    {
        foreach (var unit in LunTable.UnitsOf(luns.Value, lunField))
            ((DiskPort)unit.Device).FenceUntil(until);
    }

    /// <summary>For a session that has ended: no write starts on a LUN that one of its own is still on its way to. What it read, and other LUNs, stop nobody.</summary>
    public void RaiseWhereWriting(SessionIo ended)
    {
        foreach (var disk in UnreturnedWrites.Of(ended, luns.Value, null, null))
            disk.Fence();
    }
}

/// <summary>Writes of aborted tasks that the kernel still has.</summary>
/// <param name="Disk">Where they go.</param>
/// <param name="Returned">Ends when they are back.</param>
internal readonly record struct UnreturnedWrites(DiskPort Disk, Task Returned)
{
    /// <summary>Those of a session whose tasks were just aborted, by disk; what came in since is aborted with them.</summary>
    /// <param name="session">The session.</param>
    /// <param name="luns">The target's LUNs.</param>
    /// <param name="lunField">Of this LUN only; null: of each.</param>
    /// <param name="beforeCmdSn">Of tasks before that only; null: of all.</param>
    public static IEnumerable<UnreturnedWrites> Of(SessionIo session, LunMap luns, ulong? lunField, uint? beforeCmdSn)
    {
        foreach (var (field, unit) in LunTable.Named(luns, lunField))
        {
            var returned = session.AbortLun(field, beforeCmdSn).Quiet;
            if (!returned.IsCompleted)
                yield return new UnreturnedWrites((DiskPort)unit.Device, returned);
        }
    }

    /// <summary>No write starts there until they are back.</summary>
    public void Fence() => Disk.FenceUntil(Returned);
}

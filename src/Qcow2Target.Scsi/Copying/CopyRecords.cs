using System.Collections.Concurrent;

namespace Qcow2Target.Scsi.Copying;

/// <summary>The copies of one I_T_L nexus by list identifier: those under way, and those whose outcome nobody has read yet. At most 256.</summary>
internal sealed class CopyRecords
{
    private readonly ConcurrentDictionary<byte, CopyStatus> _byId = new();

    /// <summary>Enters a copy. False: one with that identifier is under way.</summary>
    public bool TryBegin(CopyList list, CopyStatus status)
    {
        if (list.Usage == ListIdUsage.None)
            return true;
        while (true)
        {
            if (_byId.TryAdd(list.Id, status))
                return true;
            if (!_byId.TryGetValue(list.Id, out CopyStatus? before))
                continue;
            if (before.State == CopyState.InProgress)
                return false;
            if (_byId.TryUpdate(list.Id, status, before))
                return true;
        }
    }

    public void End(CopyList list, CopyStatus status, ScsiStatus outcome)
    {
        status.End(outcome);
        if (list.Usage == ListIdUsage.Discard)
            _byId.TryRemove(KeyValuePair.Create(list.Id, status));
    }

    /// <summary>What is known of a copy; one that has ended is forgotten by it.</summary>
    public CopyStatus? Take(byte id)
    {
        if (!_byId.TryGetValue(id, out CopyStatus? status))
            return null;
        if (status.State != CopyState.InProgress)
            _byId.TryRemove(KeyValuePair.Create(id, status));
        return status;
    }
}

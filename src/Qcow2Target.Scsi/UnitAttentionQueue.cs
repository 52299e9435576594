using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi;

/// <summary>
/// The unit attentions that one I_T_L nexus has not been told yet: no duplicates, resets first by precedence, then in order of arrival
/// (SAM-5 5.14). Asking whether there are any takes no lock.
/// </summary>
internal sealed class UnitAttentionQueue
{
    private readonly Lock _lock = new();
    private readonly List<UnitAttention> _pending = [];
    private volatile bool _any;

    public UnitAttentionQueue(UnitAttention first) => Raise(first);

    public bool Any => _any;

    public void Raise(UnitAttention attention)
    {
        lock (_lock)
        {
            if (_pending.Contains(attention))
                return;
            if (attention.IsReset)
            {
                // A greater reset that still waits covers this one, and this one covers everything that is less.
                if (_pending.Exists(other => other.IsReset && other.Precedence < attention.Precedence))
                    return;
                _pending.RemoveAll(other => other.Precedence > attention.Precedence);
            }

            int place = _pending.FindIndex(other => other.Precedence > attention.Precedence);
            _pending.Insert(place < 0 ? _pending.Count : place, attention);
            _any = true;
        }
    }

    /// <summary>Takes the one to be told now.</summary>
    public bool TryTake(out UnitAttention attention)
    {
        attention = default;
        if (!_any)
            return false;

        lock (_lock)
        {
            if (_pending.Count == 0)
                return false;
            attention = _pending[0];
            _pending.RemoveAt(0);
            _any = _pending.Count > 0;
            return true;
        }
    }

    public void Remove(UnitAttention attention)
    {
        if (!_any)
            return;
        lock (_lock)
        {
            _pending.Remove(attention);
            _any = _pending.Count > 0;
        }
    }
}

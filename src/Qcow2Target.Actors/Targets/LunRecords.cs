namespace Qcow2Target.Actors.Targets;

/// <summary>What a target has the state file say of one of its LUNs.</summary>
internal abstract record LunChange(int Lun)
{
    /// <summary>Asked for: what cannot be saved is taken back.</summary>
    public sealed record Proposed(StoredLun Stored) : LunChange(Stored.Lun);

    /// <summary>So it is, whatever becomes of the save: where that fails, the next one tells it.</summary>
    /// <param name="Lun">LUN id.</param>
    /// <param name="Stored">The LUN, or null where it has gone.</param>
    public sealed record InForce(int Lun, StoredLun? Stored) : LunChange(Lun);
}

/// <summary>
/// What the state file is to hold of one target's LUNs. A proposed change is in it at once, for the next save, and goes out of it when that
/// save fails, unless a later change of the LUN has come over it. Belongs to the manager.
/// </summary>
internal sealed class LunRecords
{
    private readonly SortedDictionary<int, Record> _records = [];
    private long _lastNumber;

    /// <param name="stored">What the state file holds.</param>
    public LunRecords(IEnumerable<StoredLun> stored)
    {
        foreach (var lun in stored)
            RecordOf(lun.Lun).Settle(lun, 0);
    }

    /// <summary>In the order of their ids.</summary>
    public IReadOnlyList<StoredLun> All => [.. _records.Values.Select(r => r.Wanted).OfType<StoredLun>()];

    /// <summary>Takes changes in, in order; the proposals among them want to be told what becomes of the next save.</summary>
    public IReadOnlyList<LunProposal> Take(IReadOnlyList<LunChange> changes)
    {
        var proposals = new List<LunProposal>();
        foreach (var change in changes)
        {
            var number = ++_lastNumber;
            switch (change)
            {
                case LunChange.Proposed { Stored: var stored }:
                    var record = RecordOf(change.Lun);
                    record.Propose(stored, number);
                    proposals.Add(new LunProposal(() => record.Confirm(stored, number), () => TakeBack(change.Lun, record, number)));
                    break;
                case LunChange.InForce { Stored: { } stored }:
                    RecordOf(change.Lun).Settle(stored, number);
                    break;
                case LunChange.InForce:
                    _records.Remove(change.Lun);   // what is still on its way to the disk for it finds a record that is nobody's
                    break;
            }
        }
        return proposals;
    }

    /// <summary>Whoever proposed is gone: nothing of it stands that was not saved yet.</summary>
    public void TakeBackProposals()
    {
        foreach (var (lun, record) in _records.ToArray())
        {
            record.Settle(record.Standing, ++_lastNumber);
            Forget(lun, record);
        }
    }

    private void TakeBack(int lun, Record record, long number)
    {
        record.TakeBack(number);
        Forget(lun, record);
    }

    private void Forget(int lun, Record record)
    {
        if (record.Wanted is null && _records.GetValueOrDefault(lun) == record)
            _records.Remove(lun);
    }

    private Record RecordOf(int lun)
    {
        if (!_records.TryGetValue(lun, out var record))
            _records.Add(lun, record = new Record());
        return record;
    }

    /// <summary>One LUN. Of two changes the one with the greater number is the later.</summary>
    private sealed class Record
    {
        private long _standingSince;
        private long _wantedSince;

        /// <summary>What is in force without the proposals: null for no LUN.</summary>
        public StoredLun? Standing { get; private set; }

        /// <summary>What the next save writes.</summary>
        public StoredLun? Wanted { get; private set; }

        public void Propose(StoredLun stored, long number) => (Wanted, _wantedSince) = (stored, number);

        public void Settle(StoredLun? stored, long number)
        {
            (Standing, _standingSince) = (stored, number);
            (Wanted, _wantedSince) = (stored, number);
        }

        public void Confirm(StoredLun stored, long number)
        {
            if (number > _standingSince)
                (Standing, _standingSince) = (stored, number);
        }

        public void TakeBack(long number)
        {
            if (_wantedSince == number)
                (Wanted, _wantedSince) = (Standing, _standingSince);
        }
    }
}

/// <summary>A proposed change whose save is under way; one of the two is called.</summary>
internal sealed record LunProposal(Action Saved, Action NotSaved);

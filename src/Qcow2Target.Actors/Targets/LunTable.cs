using Qcow2Target.Actors.Disks;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Scsi;
using Qcow2Target.Scsi.Reservations;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Actors.Targets;

/// <summary>The disks of one target by LUN id, and the map of them that sessions read. Belongs to the target's actor.</summary>
/// <param name="target">The target's name.</param>
/// <param name="daemonId">What disks' identities derive from.</param>
/// <param name="owner">The target.</param>
/// <param name="manager">Its manager.</param>
/// <param name="sanitizes">Media whose sanitizing has not ended.</param>
internal sealed class LunTable(TargetName target, Guid daemonId, IActorRef owner, IActorRef manager, UnfinishedSanitizes sanitizes)
{
    private readonly SortedDictionary<int, LunEntry> _entries = [];
    private readonly HashSet<int> _usedBefore = [];
    private readonly List<int> _gone = [];
    private int _generation;

    /// <summary>What sessions see: only LUNs that were open at least once and are not being detached.</summary>
    public Published<LunMap> Map { get; } = new(LunMap.Empty);

    public IEnumerable<LunEntry> All => _entries.Values;

    public int Count => _entries.Count;

    public LunEntry? Find(int lun) => _entries.GetValueOrDefault(lun);

    public LunEntry? FindByActor(IActorRef actor) => _entries.Values.FirstOrDefault(e => e.Actor.Equals(actor));

    public int? LowestFree()
    {
        for (var lun = 0; lun < ActorLimits.LunsOfTarget; lun++)
        {
            if (!_entries.ContainsKey(lun))
                return lun;
        }
        return null;
    }

    public int NextGeneration() => ++_generation;

    public LunEntry Add(int lun, string path, string? serial, ImageAccess access, DiskFlavour flavour, IActorRef actor, DiskPort port)
    {
        var entry = new LunEntry(lun, path, serial, access, flavour, actor, port);
        _entries.Add(lun, entry);
        return entry;
    }

    public void Remove(int lun)
    {
        if (_entries.Remove(lun, out var entry))
        {
            entry.Unit?.Retire();
            _gone.Add(lun);
        }
        PublishMap();
    }

    public bool HasGone => _gone.Count > 0;

    /// <summary>The LUNs that were removed since the last call: the state file does not know of it yet.</summary>
    public IReadOnlyList<int> TakeGone()
    {
        int[] gone = [.. _gone];
        _gone.Clear();
        return gone;
    }

    /// <summary>The serial number that the unit of this disk is going to have.</summary>
    public string SerialNumberOf(LunEntry entry, DiskOpened opened) => IdentityOf(entry, opened).SerialNumber;

    /// <summary>
    /// A disk whose path is taken by one that is attached still, under another name by now, is known by the place where it is attached, from now
    /// on. Before its unit is made.
    /// </summary>
    public void NameByPlace(LunEntry entry, DiskOpened opened) =>
        entry.Serial = LogicalUnitIdentity.FromSeed($"{daemonId:D}\n{target.Key}\n{entry.Lun}\n{opened.Path}").SerialNumber;

    /// <summary>Makes the unit of a disk that was opened for the first time.</summary>
    public void MakeUnit(LunEntry entry, DiskOpened opened)
    {
        entry.Path = opened.Path;
        entry.File = opened.File;
        entry.BackingPaths = opened.BackingPaths;
        entry.CapacityBytes = opened.CapacityBytes;
        if (entry.Unit is null)
        {
            entry.Unit = NewUnit(entry, opened);
            entry.Sanitizing = sanitizes.Find(opened.File);
            if (entry.Sanitizing is { } unfinished)
                entry.Unit.TakeUp(unfinished.Record, unfinished.Resumption);
        }
        entry.Unit.Availability = UnitAvailability.Ready;
    }

    private LogicalUnit NewUnit(LunEntry entry, DiskOpened opened)
    {
        var host = new UnitHost(owner, manager, entry, opened.File);
        return new LogicalUnit(entry.Port, IdentityOf(entry, opened), new LogicalUnitSettings
        {
            Host = host,
            SanitizeKeeper = host,
            Reservations = entry.Reservations?.Restore() ?? PersistentReservations.None,
            Medium = entry.Flavour.Medium,
        });
    }

    /// <summary>Brings the map that sessions read up to date.</summary>
    public void PublishMap()
    {
        var map = LunMap.Empty;
        foreach (var entry in _entries.Values)
        {
            if (entry.Unit is { } unit && entry.Readiness is not (DiskReadiness.Opening or DiskReadiness.Detaching))
                map = map.With(entry.Lun, unit);
        }
        Map.Publish(map);
    }

    /// <summary>True where another disk had this LUN id before: initiators must not take the new one for it.</summary>
    public bool IsReuse(int lun) => !_usedBefore.Add(lun);

    public IReadOnlyList<LogicalUnitView> View() =>
        [.. _entries.Values.Select(e => new LogicalUnitView(e.Lun, e.Path, e.Readiness, e.Reason, e.CapacityBytes, e.Access, e.Port.ZeroDetection, e.Flavour,
            e.SerialNumber, e.File, e.BackingPaths))];

    public void RaiseReset(ulong? lunField, UnitAttention attention)
    {
        foreach (var unit in Units(lunField))
            unit.Reset(attention);
    }

    public void RaiseFor(ItNexus nexus, ulong? lunField, UnitAttention attention)
    {
        foreach (var unit in Units(lunField))
            nexus.Raise(unit, attention);
    }

    public void Fence(ulong lunField, Task until)
    {
        foreach (var unit in Units(lunField))
            ((DiskPort)unit.Device).FenceUntil(until);
    }

    private IEnumerable<LogicalUnit> Units(ulong? lunField) => UnitsOf(Map.Value, lunField);

    internal static IEnumerable<LogicalUnit> UnitsOf(LunMap map, ulong? lunField) => Named(map, lunField).Select(named => named.Unit);

    /// <summary>The unit that a LUN field names, or every one (null), each with its field.</summary>
    internal static IEnumerable<(ulong Field, LogicalUnit Unit)> Named(LunMap map, ulong? lunField)
    {
        if (lunField is not { } field)
            return map.Luns.Select(lun => (LunField.Encode(lun), map[lun]!));
        return LunField.TryDecode(field, out var one) && map[one] is { } unit ? [(field, unit)] : [];
    }

    /// <summary>
    /// Who a disk is must last. An image of its own is known by its path; a disposable overlay, made anew for each job under any name, by the
    /// place where it is attached.
    /// </summary>
    private LogicalUnitIdentity IdentityOf(LunEntry entry, DiskOpened opened)
    {
        if (entry.Serial is { } serial)
            return LogicalUnitIdentity.FromSerialNumber(serial);
        return LogicalUnitIdentity.FromSeed(opened.BackingPaths.Count > 0 ? $"{daemonId:D}\n{target.Key}\n{entry.Lun}" : $"{daemonId:D}\n{opened.Path}");
    }
}

/// <summary>One LUN of a target.</summary>
internal sealed class LunEntry(int lun, string path, string? serial, ImageAccess access, DiskFlavour flavour, IActorRef actor, DiskPort port)
{
    public int Lun => lun;

    /// <summary>What fixes the unit serial number; null: what the image or its place says.</summary>
    public string? Serial { get; set; } = serial;

    public ImageAccess Access => access;

    public DiskFlavour Flavour => flavour;

    public IActorRef Actor => actor;

    public DiskPort Port => port;

    /// <summary>As ATTACH gave it, absolute once it was opened.</summary>
    public string Path { get; set; } = path;

    public DiskReadiness Readiness { get; set; } = DiskReadiness.Opening;

    public string? Reason { get; set; }

    public long CapacityBytes { get; set; }

    /// <summary>Which file it is; null before it was opened.</summary>
    public StoredFile? File { get; set; }

    /// <summary>Absolute paths of the images below, nearest first; empty before it was opened.</summary>
    public IReadOnlyList<string> BackingPaths { get; set; } = [];

    /// <summary>Persistent reservations that the state file holds, or null.</summary>
    public StoredReservations? Reservations { get; set; }

    /// <summary>What the unit was found with when it was made: a sanitize operation that had not ended, or null.</summary>
    public StoredSanitize? Sanitizing { get; set; }

    /// <summary>The unit that initiators see; null before the image was opened.</summary>
    public LogicalUnit? Unit { get; set; }

    /// <summary>What the state file is to hold.</summary>
    /// <exception cref="InvalidOperationException">It was never opened.</exception>
    public StoredLun Stored => new(
        Lun, Path, Serial, File ?? throw new InvalidOperationException($"LUN {Lun} was never opened"), ReadOnly: Access == ImageAccess.ReadOnly,
        Port.ZeroDetection, Reservations, Removable: Flavour.Medium == MediumKind.Removable, Flavour.PhysicalBlockBytes);

    /// <summary>Of the unit; null where it was not given at ATTACH and the image was never opened.</summary>
    public string? SerialNumber => Unit?.Identity.SerialNumber ?? Serial;
}

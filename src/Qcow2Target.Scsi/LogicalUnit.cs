using Qcow2Target.Scsi.Operations;
using Qcow2Target.Scsi.Reservations;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi;

/// <summary>
/// One attached disk as initiators see it, shared by all nexuses; thread-safe. Commands come in through <see cref="LunMap.Begin"/>.
/// </summary>
public sealed class LogicalUnit
{
    private readonly Lock _lock = new();
    private readonly HashSet<ItlNexus> _nexuses = [];
    private readonly Dictionary<InitiatorPort, long> _failedSyncsTold = [];
    private readonly TimeProvider _time;
    private readonly ModeParameters _defaults;
    private volatile ModeParameters _modes;
    private volatile ItlNexus? _holder;
    private bool _isClosedToReserve;
    private volatile TaskCompletionSource _changed = NewSignal();
    private volatile int _availability = (int)UnitAvailability.Ready;

    /// <param name="device">The disk. The unit does not close it.</param>
    /// <param name="identity">Who the disk is.</param>
    /// <param name="settings">The rest; null for what it says by itself.</param>
    public LogicalUnit(IBlockDevice device, LogicalUnitIdentity identity, LogicalUnitSettings? settings = null)
    {
        Device = device;
        Medium = new Medium(device);
        Identity = identity;
        settings ??= new LogicalUnitSettings();
        _defaults = _modes = settings.Modes;
        _time = settings.Time;
        Tray = settings.Medium == MediumKind.Removable ? new Tray() : null;
        SanitizeKeeper = settings.SanitizeKeeper;
        Reservations = new ReservationTable(this, settings.Host, settings.Reservations);
    }

    public IBlockDevice Device { get; }

    internal TimeProvider Time => _time;

    /// <summary>The way to write <see cref="Device"/> for all but who holds a range.</summary>
    internal Medium Medium { get; }

    /// <summary>
    /// Counts the pieces of EXTENDED COPYs to this unit, one range for all: such a command may have come to another unit, where no abort of this
    /// unit's tasks finds it. Who has changed the reservations holds it for a moment, and then every later piece was judged by the change.
    /// </summary>
    internal RangeLock Copying { get; } = new();

    public LogicalUnitIdentity Identity { get; }

    /// <summary>Of a removable medium; null where it is fixed.</summary>
    internal Tray? Tray { get; }

    /// <summary>Why the medium cannot be used now, or null.</summary>
    internal SenseData? NotReady => Availability switch
    {
        UnitAvailability.Ready => Tray is { IsEmpty: true } ? SenseData.MediumNotPresent : null,
        UnitAvailability.BecomingReady => SenseData.BecomingReady,
        UnitAvailability.Offline => SenseData.Offline,
        _ => SenseData.UnitNotSupported,
    };

    /// <summary>Why the medium cannot be used so, or null: an operation that has it all, not ready, write protected, in this order.</summary>
    internal SenseData? Refusal(MediumUse use) => Medium.Operation?.Sense ?? Refusal(use, Device.Shape, Modes);

    /// <summary>As <see cref="Refusal(MediumUse)"/>, of a command that has passed the dispatch and sees one shape and one set of modes.</summary>
    internal SenseData? Refusal(MediumUse use, BlockDeviceShape shape, ModeParameters modes) =>
        NotReady ?? (use == MediumUse.Read ? null
            : shape.IsReadOnly ? SenseData.WriteProtected
            : modes.SoftwareWriteProtect ? SenseData.SoftwareWriteProtected
            : null);

    /// <summary>Persistent reservations; RESERVE is apart from them.</summary>
    internal ReservationTable Reservations { get; }

    /// <summary>Keeps sanitize operations over a loss of power; null where nothing can be kept.</summary>
    internal ISanitizeKeeper? SanitizeKeeper { get; }

    /// <summary>The mode parameters in force.</summary>
    public ModeParameters Modes => _modes;

    /// <summary>The mode parameters at start and after a reset.</summary>
    internal ModeParameters DefaultModes => _defaults;

    /// <summary>Whether the disk can be used now. <see cref="UnitAvailability.Gone"/> is final.</summary>
    public UnitAvailability Availability
    {
        get => (UnitAvailability)_availability;
        set
        {
            lock (_lock)
            {
                if (Availability == UnitAvailability.Gone || Availability == value)
                    return;
                _availability = (int)value;
                _changed.TrySetResult();
                _changed = NewSignal();
            }
        }
    }

    /// <summary>The medium was being sanitized when it was last seen. To be called before the first command.</summary>
    /// <param name="record">What was kept of it. One that cannot be read has failed.</param>
    /// <param name="resumption">Whether it goes on.</param>
    public void TakeUp(SanitizeRecord record, SanitizeResumption resumption)
    {
        BlockDeviceShape shape = Device.Shape;
        SanitizePattern? pattern = null;
        bool isWhole = record.OverwriteList.IsEmpty || SanitizePattern.Parse(record.OverwriteList.Span, shape.BlockBytes, out pattern) is null;
        var operation = new SanitizeOperation(shape, record, pattern, SanitizeKeeper);
        if (!isWhole || resumption == SanitizeResumption.HasFailed)
            operation.Fail();
        if (Medium.TryTake(operation, out UnitOperation? before) && !operation.HasFailed)
            operation.Start(this, before);
    }

    /// <summary>Tells every nexus that has used this unit, but not <paramref name="except"/>.</summary>
    public void Raise(UnitAttention attention, ItNexus? except = null)
    {
        foreach (ItlNexus nexus in Nexuses())
        {
            if (nexus.Nexus != except)
                nexus.Raise(attention);
        }
    }

    /// <summary>Tells the nexuses of one initiator port, if they have used this unit.</summary>
    internal void Raise(UnitAttention attention, InitiatorPort initiator)
    {
        foreach (ItlNexus nexus in Nexuses())
        {
            if (nexus.Nexus.Initiator.Equals(initiator))
                nexus.Raise(attention);
        }
    }

    /// <summary>The ports of an initiator device that have used this unit; <paramref name="name"/> is in lower case.</summary>
    internal IEnumerable<InitiatorPort> InitiatorPortsOf(string name) =>
        Nexuses().Select(nexus => nexus.Nexus.Initiator).Where(port => port.Name == name).Distinct();

    /// <summary>
    /// LOGICAL UNIT RESET and resets of the target: the reservation ends, mode parameters return to their defaults, and
    /// <paramref name="attention"/> goes to every nexus. Tasks are the transport's to abort, before.
    /// </summary>
    public void Reset(UnitAttention attention)
    {
        lock (_lock)
        {
            _holder = null;
            _modes = _defaults;
        }

        Tray?.AllowAll();

        Raise(attention);
    }

    /// <summary>The disk leaves: commands that still come get 5/25/00, its nexuses forget it. Final, idempotent.</summary>
    public void Retire()
    {
        Availability = UnitAvailability.Gone;
        foreach (ItlNexus nexus in Nexuses())
        {
            nexus.Nexus.Forget(this);
            Leave(nexus);
        }
    }

    /// <summary>How a command ends whose access to the disk failed so.</summary>
    public ScsiOutcome OutcomeOf(BlockDeviceException fault) =>
        ((fault as MediumTakenException)?.Sense ?? FaultSense.Of(fault.Fault)) is { } sense ? Check(sense) : ScsiOutcome.Busy;

    internal ScsiOutcome Check(SenseData sense) => ScsiOutcome.Check(sense, _modes.SenseFormat);

    internal void Join(ItlNexus nexus)
    {
        lock (_lock)
            _nexuses.Add(nexus);
    }

    internal void Leave(ItlNexus nexus)
    {
        lock (_lock)
        {
            _nexuses.Remove(nexus);
            if (_holder == nexus)
                _holder = null;
            Tray?.Allow(nexus);
            // Who comes back after a failed sync has written before it. Initiators that choose a new ISID each time would fill the memory of months.
            if (_failedSyncsTold.Count >= ScsiLimits.RememberedPorts)
                _failedSyncsTold.Clear();
            _failedSyncsTold[nexus.Nexus.Initiator] = nexus.FailedSyncsTold;
        }
    }

    /// <summary>The failed syncs that an initiator port was told of in an earlier nexus; of a new one, all there were.</summary>
    internal long FailedSyncsToldTo(InitiatorPort initiator)
    {
        lock (_lock)
            return _failedSyncsTold.TryGetValue(initiator, out long told) ? told : Device.FailedSyncs;
    }

    /// <summary>RESERVE: some nexus holds the unit.</summary>
    internal bool IsReserved => _holder is not null;

    internal bool IsReservedByAnother(ItlNexus nexus) => _holder is { } holder && holder != nexus;

    /// <summary>RESERVE: false when another nexus holds the unit, and when persistent reservations are there or about to be.</summary>
    internal bool TryReserve(ItlNexus nexus)
    {
        lock (_lock)
        {
            if (IsReservedByAnother(nexus) || _isClosedToReserve || !Reservations.Current.Registrations.IsEmpty)
                return false;
            if (_nexuses.Contains(nexus))   // not for one that has ended meanwhile: nobody would release it
                _holder = nexus;
            return true;
        }
    }

    /// <summary>
    /// Lets nobody RESERVE until <see cref="OpenToReserve"/>: for who is about to put persistent reservations in force, for with both kinds in
    /// force each would keep everybody from ending the other (SPC-2 5.5.1). False: some nexus holds the unit.
    /// </summary>
    internal bool TryCloseToReserve()
    {
        lock (_lock)
        {
            if (IsReserved)
                return false;
            _isClosedToReserve = true;
            return true;
        }
    }

    internal void OpenToReserve()
    {
        lock (_lock)
            _isClosedToReserve = false;
    }

    /// <summary>PREVENT MEDIUM REMOVAL.</summary>
    internal void PreventRemoval(ItlNexus nexus)
    {
        lock (_lock)
        {
            if (_nexuses.Contains(nexus))   // as with RESERVE: nobody would allow it again
                Tray?.Prevent(nexus);
        }
    }

    /// <summary>Loads a removable medium and tells the other nexuses that there may be another one.</summary>
    internal void Load(ItlNexus by)
    {
        if (Tray?.Load() == true)
            Raise(UnitAttention.MediumMayHaveChanged, except: by.Nexus);
    }

    /// <summary>RELEASE: nothing happens unless <paramref name="nexus"/> holds the unit.</summary>
    internal void Release(ItlNexus nexus)
    {
        lock (_lock)
        {
            if (_holder == nexus)
                _holder = null;
        }
    }

    /// <summary>MODE SELECT: puts <paramref name="after"/> in force and tells the other nexuses if that is a change. False: <paramref name="before"/> is no longer in force.</summary>
    internal bool TryChange(ModeParameters before, ModeParameters after, ItlNexus by)
    {
        lock (_lock)
        {
            if (!ReferenceEquals(_modes, before))
                return false;
            if (before == after)
                return true;
            _modes = after;
        }

        Raise(UnitAttention.ModeParametersChanged, except: by.Nexus);
        return true;
    }

    internal bool TryRead(long offset, Span<byte> destination)
    {
        try
        {
            return Device.TryRead(offset, destination);
        }
        catch (BlockDeviceException)
        {
            return false;   // ReadAsync will meet the fault again and report it
        }
    }

    internal bool TryWrite(long offset, ReadOnlySpan<byte> source)
    {
        try
        {
            return Medium.TryWrite(offset, source);
        }
        catch (BlockDeviceException)
        {
            return false;
        }
    }

    internal async ValueTask<ScsiOutcome> ReadAsync(long offset, Memory<byte> destination)
    {
        try
        {
            await Device.ReadAsync(offset, destination).ConfigureAwait(false);
            return ScsiOutcome.Good;
        }
        catch (BlockDeviceException fault)
        {
            return OutcomeOf(fault);
        }
    }

    internal async ValueTask<ScsiOutcome> WriteAsync(long offset, ReadOnlyMemory<byte> source, CancellationToken giveUp)
    {
        try
        {
            await Medium.WriteAsync(offset, source, giveUp).ConfigureAwait(false);
            return ScsiOutcome.Good;
        }
        catch (BlockDeviceException fault)
        {
            return OutcomeOf(fault);
        }
    }

    internal async ValueTask<ScsiOutcome> FlushAsync()
    {
        try
        {
            await Device.FlushAsync().ConfigureAwait(false);
            return ScsiOutcome.Good;
        }
        catch (BlockDeviceException fault)
        {
            return OutcomeOf(fault);
        }
    }

    /// <summary>What is due before the status of a command that wrote: without a write cache, a flush.</summary>
    internal ValueTask<ScsiOutcome> SettleAsync() => _modes.WriteCache ? new(ScsiOutcome.Good) : FlushAsync();

    internal async ValueTask<ScsiOutcome> RunAsync(DeferredWork work, ReadOnlyMemory<byte> parameters, CancellationToken cancellationToken)
    {
        try
        {
            return await work(parameters, cancellationToken).ConfigureAwait(false);
        }
        catch (BlockDeviceException fault)
        {
            return OutcomeOf(fault);
        }
    }

    /// <summary>Waits until the availability is another than <see cref="UnitAvailability.BecomingReady"/>, for <see cref="ScsiLimits.ReadyWait"/> at most.</summary>
    internal async ValueTask WaitUntilSettledAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(ScsiLimits.ReadyWait, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            while (_changed.Task is var changed && Availability == UnitAvailability.BecomingReady)
                await changed.WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // the limit: whatever the availability is now is the answer
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ItlNexus[] Nexuses()
    {
        lock (_lock)
            return [.. _nexuses];
    }
}

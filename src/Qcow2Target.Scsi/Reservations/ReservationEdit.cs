using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Reservations;

/// <summary>
/// One PERSISTENT RESERVE OUT worked out on a copy (SPC-4 5.13, 6.16): what the reservations become, and who is to be told. Nothing counts
/// until the copy is put in force.
/// </summary>
internal sealed class ReservationEdit(PersistentReservations before, InitiatorPort issuer)
{
    private const int ActionKeyField = 8;

    private readonly List<Registration> _registrations = [.. before.Registrations];
    private ReservationType? _type = before.Type;
    private InitiatorPort? _holder = before.Holder;
    private uint _generation = before.Generation;
    private bool _survivesPowerLoss = before.SurvivesPowerLoss;

    public PersistentReservations After => new()
    {
        Generation = _generation,
        SurvivesPowerLoss = _survivesPowerLoss && _registrations.Count > 0,
        Registrations = [.. _registrations],
        Type = _type,
        Holder = _holder,
    };

    /// <summary>Who is told what. Never the issuer.</summary>
    public List<(InitiatorPort Initiator, UnitAttention Attention)> Attentions { get; } = [];

    /// <summary>Whose registrations a preemption took away.</summary>
    public List<InitiatorPort> Preempted { get; } = [];

    private Registration? Own => _registrations.Find(registration => registration.Initiator.Equals(issuer));

    /// <summary>REGISTER: <paramref name="key"/> must be the nexus's own, 0 for one that is not registered.</summary>
    public ReservationRefusal? Register(ulong key, ulong newKey, RegisterOptions options, IReadOnlyList<InitiatorPort> others)
    {
        if (key != (Own?.Key ?? 0))
            return ReservationRefusal.Conflict;
        if (others.Count > 0 && (Own is not null || newKey == 0))
            return ReservationRefusal.Field(PersistentReserveOutList.FlagsField, PersistentReserveOutList.SpecifyInitiatorsBit);
        if (others.Any(other => other.Equals(issuer) || _registrations.Exists(registration => registration.Initiator.Equals(other))))
            return ReservationRefusal.Field(PersistentReserveOutList.TransportIdsField);
        return IsIdle(newKey) ? null : Enroll(newKey, options, [issuer, .. others]);
    }

    /// <summary>REGISTER AND IGNORE EXISTING KEY.</summary>
    public ReservationRefusal? RegisterAndIgnore(ulong newKey, RegisterOptions options) => IsIdle(newKey) ? null : Enroll(newKey, options, [issuer]);

    public ReservationRefusal? Reserve(ulong key, ReservationType type)
    {
        if (Own is not { } own || own.Key != key)
            return ReservationRefusal.Conflict;
        if (_type is { } present)
            return present == type && before.IsHeldBy(own) ? null : ReservationRefusal.Conflict;
        Take(type, issuer);
        return null;
    }

    public ReservationRefusal? Release(ulong key, byte scopeAndType)
    {
        if (Own is not { } own || own.Key != key)
            return ReservationRefusal.Conflict;
        if (_type is not { } type || !before.IsHeldBy(own))
            return null;
        if (scopeAndType != (byte)type)
            return new ReservationRefusal(SenseData.InvalidRelease);
        EndReservation();
        return null;
    }

    public ReservationRefusal? Clear(ulong key)
    {
        if (Own is not { } own || own.Key != key)
            return ReservationRefusal.Conflict;
        TellOthers(UnitAttention.ReservationsPreempted);
        _registrations.Clear();
        (_type, _holder) = (null, null);
        _generation++;
        return null;
    }

    /// <summary>
    /// PREEMPT and PREEMPT AND ABORT: takes the registrations with <paramref name="victimKey"/> away, and the reservation if one of them held
    /// it. Who takes the reservation stays registered, whatever its key; who only takes registrations away loses its own with that key
    /// (SPC-4 5.13.11.2.3, 5.13.11.2.4).
    /// </summary>
    /// <param name="key">RESERVATION KEY.</param>
    /// <param name="victimKey">SERVICE ACTION RESERVATION KEY.</param>
    /// <param name="scopeAndType">Of the CDB: looked at only where the reservation is taken.</param>
    public ReservationRefusal? Preempt(ulong key, ulong victimKey, byte scopeAndType)
    {
        if (Own is not { } own || own.Key != key)
            return ReservationRefusal.Conflict;

        bool everybody = victimKey == 0 && _type?.IsAllRegistrants() == true;
        if (victimKey == 0 && !everybody)
            return ReservationRefusal.Field(ActionKeyField);
        if (!everybody && !_registrations.Exists(registration => registration.Key == victimKey))
            return ReservationRefusal.Conflict;

        bool takes = everybody || _registrations.Exists(registration => registration.Key == victimKey && registration.Initiator.Equals(_holder));
        ReservationType? type = ReservationTypes.Parse(scopeAndType);
        if (takes && type is null)
            return new ReservationRefusal(SenseData.InvalidFieldInCdb(PersistentReserveOutList.ScopeAndTypeField));
        foreach (Registration victim in _registrations.Where(other => other != own && (everybody || other.Key == victimKey)).ToArray())
        {
            _registrations.Remove(victim);
            Preempted.Add(victim.Initiator);
            Attentions.Add((victim.Initiator, UnitAttention.RegistrationsPreempted));
        }

        if (takes)
        {
            if (_type != type)
                TellOthers(UnitAttention.ReservationsReleased);
            Take(type!.Value, issuer);
        }
        else if (own.Key == victimKey)
        {
            Unregister(_registrations.IndexOf(own));
        }

        _generation++;
        return null;
    }

    /// <summary>REGISTER AND MOVE: the holder gives the reservation to another initiator port.</summary>
    public ReservationRefusal? Move(ulong key, ulong newKey, InitiatorPort to, RegisterOptions options, SourceRegistration source)
    {
        if (Own is not { } own || own.Key != key || _type is not { } type || type.IsAllRegistrants() || !before.IsHeldBy(own))
            return ReservationRefusal.Conflict;
        if (newKey == 0)
            return ReservationRefusal.Field(ActionKeyField);
        if (to.Equals(issuer))
            return ReservationRefusal.Field(PersistentReserveOutList.TransportIdsField);
        if (Enroll(newKey, options, [to]) is { } refusal)
            return refusal;
        _holder = to;
        if (source == SourceRegistration.Removed)
            _registrations.Remove(own);
        return null;
    }

    /// <summary>Who is not registered and asks for no key: GOOD, and nothing is done (SPC-4 tables 53 and 54).</summary>
    private bool IsIdle(ulong newKey) => newKey == 0 && Own is null;

    private ReservationRefusal? Enroll(ulong newKey, RegisterOptions options, IEnumerable<InitiatorPort> initiators)
    {
        foreach (InitiatorPort initiator in initiators)
        {
            int at = _registrations.FindIndex(registration => registration.Initiator.Equals(initiator));
            var fresh = new Registration(initiator, newKey, options.AllTargetPorts);
            if (newKey == 0)
                Unregister(at);
            else if (at >= 0)
                _registrations[at] = fresh;
            else if (_registrations.Count < ScsiLimits.MaxRegistrations)
                _registrations.Add(fresh);
            else
                return new ReservationRefusal(SenseData.InsufficientRegistrationResources);
        }

        _survivesPowerLoss = options.SurvivesPowerLoss;
        _generation++;
        return null;
    }

    private void Unregister(int at)
    {
        if (at < 0)
            return;
        Registration gone = _registrations[at];
        _registrations.RemoveAt(at);
        // All registrants hold the reservation until the last of them is gone.
        if (gone.Initiator.Equals(_holder) || _registrations.Count == 0)
            EndReservation();
    }

    private void Take(ReservationType type, InitiatorPort holder) => (_type, _holder) = (type, type.IsAllRegistrants() ? null : holder);

    private void EndReservation()
    {
        if (_type?.AdmitsRegistrants() == true)
            TellOthers(UnitAttention.ReservationsReleased);
        (_type, _holder) = (null, null);
    }

    private void TellOthers(UnitAttention attention) =>
        Attentions.AddRange(_registrations.Where(other => !other.Initiator.Equals(issuer)).Select(other => (other.Initiator, attention)));
}

/// <summary>What a registration asks for besides its key.</summary>
internal readonly record struct RegisterOptions(bool AllTargetPorts, bool SurvivesPowerLoss);

/// <summary>UNREG of REGISTER AND MOVE: what becomes of the registration of who gave the reservation away.</summary>
internal enum SourceRegistration
{
    Kept,
    Removed,
}

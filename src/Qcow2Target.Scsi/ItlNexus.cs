using Qcow2Target.Scsi.Copying;
using Qcow2Target.Scsi.Reservations;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi;

/// <summary>An I_T_L nexus: what one logical unit owes one I_T nexus.</summary>
internal sealed class ItlNexus(ItNexus nexus, LogicalUnit unit)
{
    private long _failedSyncsTold = unit.FailedSyncsToldTo(nexus.Initiator);
    private volatile Judgement? _judgement;
    private CopyRecords? _copies;

    public ItNexus Nexus { get; } = nexus;

    public LogicalUnit Unit { get; } = unit;

    public UnitAttentionQueue Attentions { get; } = new(nexus.FirstAttention);

    /// <summary>The EXTENDED COPYs that this nexus sent to the unit.</summary>
    public CopyRecords Copies => LazyInitializer.EnsureInitialized(ref _copies);

    /// <summary>As <see cref="IBlockDevice.FailedSyncs"/>: those that this initiator port has been told of.</summary>
    public long FailedSyncsTold => Interlocked.Read(ref _failedSyncsTold);

    /// <summary>True once after a sync of the disk has failed, whoever asked for it: what this nexus wrote may be lost, which it must be told.</summary>
    public bool TakeFailedSync()
    {
        long all = Unit.Device.FailedSyncs;
        return Interlocked.Exchange(ref _failedSyncsTold, all) < all;
    }

    public void Raise(UnitAttention attention) => Attentions.Raise(attention);

    /// <summary>Whether persistent reservations keep this nexus from a command that needs <paramref name="need"/>.</summary>
    public bool IsKeptFrom(ReservationAccess need)
    {
        PersistentReservations reservations = Unit.Reservations.Current;
        if (need == ReservationAccess.Superseded)
            return !reservations.Registrations.IsEmpty;
        if (reservations.Type is null)
            return false;

        // Looked up once for each change of the reservations, for commands are many and registrations may be.
        if (_judgement is not { } judgement || !ReferenceEquals(judgement.Of, reservations))
            _judgement = judgement = new Judgement(reservations, reservations.AccessOf(Nexus.Initiator));
        return need > judgement.Access;
    }

    private sealed class Judgement(PersistentReservations of, ReservationAccess access)
    {
        public PersistentReservations Of => of;

        public ReservationAccess Access => access;
    }
}

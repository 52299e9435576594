using Qcow2Target.Actors.Targets;
using Qcow2Target.Scsi.Reservations;
using Qcow2Target.Testing;

namespace Qcow2Target.Actors.Tests.Targets;

public sealed class StoredReservationsTests : IDisposable
{
    private static readonly InitiatorPort A = new("iqn.2018-05.test:A", 0x4000_1234_5678);
    private static readonly InitiatorPort B = new("iqn.2018-05.test:b", 1);
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(null)]
    [InlineData(ReservationType.ExclusiveAccess)]
    [InlineData(ReservationType.WriteExclusiveAllRegistrants)]
    public void What_survives_a_loss_of_power_goes_through_the_state_file(ReservationType? type)
    {
        var before = new PersistentReservations
        {
            Generation = 9,
            SurvivesPowerLoss = true,
            Registrations = [new Registration(A, ulong.MaxValue, true), new Registration(B, 1, false)],
            Type = type,
            Holder = type == ReservationType.ExclusiveAccess ? B : null,
        };

        var after = ThroughTheFile(StoredReservations.From(before))!.Restore();

        Assert.Equal(before.Registrations.ToArray(), after.Registrations.ToArray());
        Assert.Equal((before.Type, before.Holder, true, 0u), (after.Type, after.Holder, after.SurvivesPowerLoss, after.Generation));
    }

    [Fact]
    public void Nothing_is_kept_where_nobody_asked_for_it()
    {
        Assert.Null(StoredReservations.From(PersistentReservations.None));
        Assert.Null(StoredReservations.From(new PersistentReservations { Registrations = [new Registration(A, 1, false)] }));
    }

    [Fact]
    public void A_reservation_whose_holder_is_not_in_the_file_is_none()
    {
        var stored = new StoredReservations([new StoredRegistration("iqn.2018-05.test:a", 1, 1, false)], ReservationType.WriteExclusive, 4);
        Assert.Null(stored.Restore().Type);
        Assert.Single(stored.Restore().Registrations);
    }

    private StoredReservations? ThroughTheFile(StoredReservations? reservations)
    {
        var file = new StateFile(_directory.Path);
        var lun = new StoredLun(3, "/disks/a.qcow2", null, new StoredFile(1, 2), Reservations: reservations);
        file.Save(new StoredState(StoredState.CurrentVersion, Guid.NewGuid(), [new StoredTarget(7, "iqn.2018-05.test:one", [lun])]));
        return file.Load().Targets[0].Luns[0].Reservations;
    }
}

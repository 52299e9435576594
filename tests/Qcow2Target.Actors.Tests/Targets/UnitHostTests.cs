using Qcow2Target.Actors.Disks;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Scsi.Reservations;

namespace Qcow2Target.Actors.Tests.Targets;

/// <summary>A unit's host, with the target played by the test.</summary>
public sealed class UnitHostTests : TestKit
{
    private readonly LunEntry _entry;

    public UnitHostTests() => _entry = new LunEntry(
        3, "/disks/a.qcow2", null, ImageAccess.ReadWrite, DiskFlavour.Usual, TestActor, new DiskPort("/disks/a.qcow2", 512, ZeroDetection.Off));

    private UnitHost Host(TimeSpan patience) => new(TestActor, TestActor, _entry, new StoredFile(1, 2)) { SavePatience = patience };

    [Fact]
    public async Task Reservations_that_are_not_kept_in_time_are_given_up_and_an_answer_that_comes_later_finds_that()
    {
        var saving = Host(TimeSpan.FromMilliseconds(20)).SaveAsync(PersistentReservations.None).AsTask();
        var request = await ExpectMsgAsync<KeepReservations>();
        await Assert.ThrowsAsync<ReservationsNotSavedException>(() => saving);
        Assert.Same(request, (await ExpectMsgAsync<GiveUpReservations>()).Request);
        Assert.False(request.Done.TrySetResult(null));
    }

    [Fact]
    public async Task What_is_kept_is_not_given_up_and_what_is_not_kept_is_told_with_the_reason()
    {
        var host = Host(TimeSpan.FromSeconds(30));
        var kept = host.SaveAsync(PersistentReservations.None).AsTask();
        var request = await ExpectMsgAsync<KeepReservations>();
        Assert.Same(_entry, request.Entry);
        request.Done.SetResult(null);
        await kept;

        var notKept = host.SaveAsync(PersistentReservations.None).AsTask();
        (await ExpectMsgAsync<KeepReservations>()).Done.SetResult("no space");
        Assert.Contains("no space", (await Assert.ThrowsAsync<ReservationsNotSavedException>(() => notKept)).Message, StringComparison.Ordinal);
        await ExpectNoMsgAsync(TimeSpan.FromMilliseconds(50));
    }
}

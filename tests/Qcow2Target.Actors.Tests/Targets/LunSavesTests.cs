using Qcow2Target.Actors.Disks;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Qcow2.Image;

namespace Qcow2Target.Actors.Tests.Targets;

public sealed class LunSavesTests : TestKit
{
    private readonly LunTable _luns;
    private readonly LunEntry _entry;
    private readonly LunSaves _saves;

    public LunSavesTests()
    {
        _luns = new LunTable(new TargetName("iqn.2018-05.test:one"), Guid.NewGuid(), TestActor, TestActor, new UnfinishedSanitizes());
        _entry = _luns.Add(3, "/disks/a.qcow2", null, ImageAccess.ReadWrite, DiskFlavour.Usual, TestActor, new DiskPort("/disks/a.qcow2", 512, ZeroDetection.Off));
        _entry.File = new StoredFile(1, 2);
        _saves = new LunSaves(7, TestActor, _luns);
    }

    private static KeepReservations Request(int lun, ulong key) =>
        new(lun, new StoredReservations([new StoredRegistration("iqn.i", 1, key, false)], null, null), new TaskCompletionSource<string?>());

    [Fact]
    public void What_is_saved_carries_the_target_the_luns_and_a_number_of_its_own()
    {
        var first = _saves.Begin();
        var second = _saves.Begin();
        var saved = ExpectMsg<SaveLuns>();
        Assert.Equal((7, first, 3), (saved.TargetId, saved.Number, Assert.Single(saved.Luns).Lun));
        Assert.Equal(second, ExpectMsg<SaveLuns>().Number);
        Assert.NotEqual(first, second);
    }

    [Fact]
    public async Task Reservations_are_told_kept_when_their_own_number_is_saved()
    {
        var request = Request(3, 9);
        _saves.Keep(request);
        var save = ExpectMsg<SaveLuns>();
        Assert.Same(request.Reservations, Assert.Single(save.Luns).Reservations);
        _saves.Saved(save.Number + 1);
        Assert.False(request.Done.Task.IsCompleted);
        _saves.Saved(save.Number);
        Assert.Null(await request.Done.Task);
    }

    [Fact]
    public async Task Reservations_that_are_not_saved_are_what_they_were_and_the_reason_is_told()
    {
        var before = Request(3, 1);
        _saves.Keep(before);
        _saves.Saved(ExpectMsg<SaveLuns>().Number);
        var request = Request(3, 9);
        _saves.Keep(request);
        _saves.NotSaved(ExpectMsg<SaveLuns>().Number, "no space");
        Assert.Equal("no space", await request.Done.Task);
        Assert.Same(before.Reservations, _entry.Reservations);
    }

    [Fact]
    public async Task Reservations_of_a_lun_that_has_gone_are_answered_at_once()
    {
        var request = Request(4, 9);
        _saves.Keep(request);
        Assert.Equal("the LUN is gone", await request.Done.Task);
        ExpectNoMsg(100);
    }
}

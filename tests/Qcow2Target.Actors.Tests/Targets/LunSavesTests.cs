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
        _entry = Add(3, "/disks/a.qcow2", new StoredFile(1, 2));
        _saves = new LunSaves(7, TestActor, _luns);
    }

    private LunEntry Add(int lun, string path, StoredFile file)
    {
        var entry = _luns.Add(lun, path, null, ImageAccess.ReadWrite, DiskFlavour.Usual, TestActor, new DiskPort(path, 512, ZeroDetection.Off));
        entry.File = file;
        return entry;
    }

    private KeepReservations Keep(ulong key)
    {
        var reservations = new StoredReservations([new StoredRegistration("iqn.i", 1, key, false)], null, null);
        var request = new KeepReservations(_entry, reservations, new TaskCompletionSource<string?>());
        _saves.Keep(request);
        return request;
    }

    private (SaveLuns Save, StoredLun Lun) Proposed()
    {
        var save = ExpectMsg<SaveLuns>();
        return (save, Assert.IsType<LunChange.Proposed>(Assert.Single(save.Changes)).Stored);
    }

    private StoredLun? InForce() => Assert.IsType<LunChange.InForce>(Assert.Single(ExpectMsg<SaveLuns>().Changes)).Stored;

    /// <summary>What stands before the test.</summary>
    private StoredReservations Kept()
    {
        var request = Keep(1);
        _saves.Saved(Proposed().Save.Number);
        return request.Reservations!;
    }

    [Fact]
    public void What_is_saved_carries_the_target_the_luns_and_a_number_of_its_own()
    {
        var first = _saves.Begin(new LunChange.Proposed(_entry.Stored));
        var second = _saves.Begin();
        var (saved, lun) = Proposed();
        Assert.Equal((7, first, _entry.Stored), (saved.TargetId, saved.Number, lun));
        Assert.Equal(second, ExpectMsg<SaveLuns>().Number);
        Assert.NotEqual(first, second);
    }

    [Fact]
    public void That_a_lun_has_gone_is_told_once_and_before_what_comes_in_its_place()
    {
        _luns.Remove(3);
        var another = Add(3, "/disks/b.qcow2", new StoredFile(1, 5));
        _saves.Begin(new LunChange.Proposed(another.Stored));
        _saves.Begin();
        Assert.Equal([new LunChange.InForce(3, null), new LunChange.Proposed(another.Stored)], ExpectMsg<SaveLuns>().Changes);
        Assert.Empty(ExpectMsg<SaveLuns>().Changes);
    }

    [Fact]
    public void Where_no_lun_has_gone_nothing_is_told()
    {
        _saves.TellGone();
        _luns.Remove(3);
        _saves.TellGone();
        _saves.TellGone();
        Assert.Null(InForce());
        ExpectNoMsg(50);
    }

    [Fact]
    public async Task Reservations_are_told_kept_when_their_own_number_is_saved()
    {
        var request = Keep(9);
        var (save, lun) = Proposed();
        Assert.Same(request.Reservations, lun.Reservations);
        _saves.Saved(save.Number + 1);
        Assert.False(request.Done.Task.IsCompleted);
        _saves.Saved(save.Number);
        Assert.Null(await request.Done.Task);
    }

    [Fact]
    public async Task Reservations_that_are_not_saved_are_what_they_were_and_the_reason_is_told()
    {
        var before = Kept();
        var request = Keep(9);
        _saves.NotSaved(Proposed().Save.Number, "no space");
        Assert.Equal("no space", await request.Done.Task);
        Assert.Same(before, _entry.Reservations);
    }

    [Fact]
    public void Reservations_that_were_given_up_are_put_back_at_once_whatever_becomes_of_their_save()
    {
        var before = Kept();
        var request = Keep(9);
        var number = Proposed().Save.Number;
        request.Done.SetResult("the target did not answer");
        _saves.GiveUp(request);
        Assert.Same(before, InForce()!.Reservations);
        _saves.Saved(number);
        Assert.Same(before, _entry.Reservations);
        ExpectNoMsg(50);
    }

    [Fact]
    public void Reservations_that_were_given_up_just_when_they_were_saved_are_put_back_too()
    {
        var before = Kept();
        var request = Keep(9);
        var number = Proposed().Save.Number;
        request.Done.SetResult("the target did not answer");
        _saves.Saved(number);
        Assert.Same(before, InForce()!.Reservations);
        _saves.GiveUp(request);
        Assert.Same(before, _entry.Reservations);
        ExpectNoMsg(50);
    }

    [Fact]
    public async Task Reservations_of_a_disk_that_has_gone_are_not_put_on_the_one_that_has_its_lun_id_now()
    {
        _luns.Remove(3);
        var another = Add(3, "/disks/b.qcow2", new StoredFile(1, 5));
        var request = Keep(9);
        Assert.Equal("the LUN is gone", await request.Done.Task);
        Assert.Null(another.Reservations);
        ExpectNoMsg(50);
    }
}

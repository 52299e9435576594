using Qcow2Target.Actors.Targets;
using Qcow2Target.Scsi.Operations;

namespace Qcow2Target.Actors.Tests.Targets;

public sealed class UnfinishedSanitizesTests
{
    private readonly UnfinishedSanitizes _sanitizes = new();

    private static StoredFile File(ulong inode, long birth = 9) => new(1, inode, birth);

    private StoredSanitize? Put(StoredFile file, FailureExit exit = FailureExit.Allowed) => _sanitizes.Replace(file, new StoredSanitize(file, exit));

    [Fact]
    public void A_file_has_one_record_and_another_file_of_its_number_has_none()
    {
        Assert.Null(Put(File(5)));
        Assert.Equal(FailureExit.Allowed, Put(File(5), FailureExit.OnlyBySanitizing)!.Exit);
        Assert.Equal(FailureExit.OnlyBySanitizing, Assert.Single(_sanitizes.All).Exit);
        Assert.Null(_sanitizes.Find(File(5, birth: 10)));
        Assert.NotNull(_sanitizes.Replace(File(5), null));
        Assert.Empty(_sanitizes.All);
    }

    [Fact]
    public void A_file_whose_device_has_another_number_since_the_host_started_is_known_by_its_birth_time()
    {
        Put(File(5));
        Put(File(6, birth: 0));
        StoredFile five = File(5) with { Device = 2 }, six = File(6, birth: 0) with { Device = 2 };
        Assert.NotNull(_sanitizes.Find(five));
        Assert.Null(_sanitizes.Find(six));    // another file system's, for all that is known
        _sanitizes.GiveUpAllBut([five, six]);
        Assert.False(_sanitizes.Find(five)!.GivenUp);
        Assert.NotNull(_sanitizes.Replace(five, null));
        Assert.Single(_sanitizes.All);
    }

    [Fact]
    public void What_is_attached_goes_on_and_what_was_detached_does_not_even_when_it_is_attached_again()
    {
        Put(File(5));
        Put(File(6));
        _sanitizes.GiveUpAllBut([File(5)]);
        Assert.Equal(SanitizeResumption.GoesOn, _sanitizes.Find(File(5))!.Resumption);
        Assert.Equal(SanitizeResumption.HasFailed, _sanitizes.Find(File(6))!.Resumption);
        _sanitizes.GiveUpAllBut([File(5), File(6)]);
        Assert.Equal(SanitizeResumption.HasFailed, _sanitizes.Find(File(6))!.Resumption);
    }

    [Fact]
    public void A_lun_that_an_older_daemon_saved_without_a_birth_time_counts_as_attached()
    {
        Put(File(5));
        _sanitizes.GiveUpAllBut([File(5, birth: 0)]);
        Assert.Equal(SanitizeResumption.GoesOn, _sanitizes.Find(File(5))!.Resumption);
    }

    [Fact]
    public void Where_the_file_system_tells_no_birth_time_nothing_goes_on_by_itself()
    {
        Put(File(5, birth: 0));
        Assert.Equal(SanitizeResumption.HasFailed, _sanitizes.Find(File(5, birth: 0))!.Resumption);
    }

    [Fact]
    public void Of_too_many_that_were_given_up_the_oldest_are_forgotten_and_none_that_is_attached()
    {
        Put(File(1));
        for (ulong inode = 2; inode < ActorLimits.AbandonedSanitizes + 4; inode++)
            Put(File(inode));
        var forgotten = _sanitizes.GiveUpAllBut([File(1)]);
        Assert.Equal([2UL, 3UL], forgotten.Select(f => f.File.Inode));
        Assert.NotNull(_sanitizes.Find(File(1)));
        Assert.Equal(ActorLimits.AbandonedSanitizes + 1, _sanitizes.All.Count);
        Assert.Empty(_sanitizes.GiveUpAllBut([File(1)]));
    }
}

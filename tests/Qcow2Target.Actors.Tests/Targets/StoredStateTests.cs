using Qcow2Target.Actors.Targets;

namespace Qcow2Target.Actors.Tests.Targets;

public sealed class StoredStateTests
{
    private static readonly StoredFile File = new(1, 2, 3);

    [Theory]
    [InlineData(1, 2, 3, true, true)]
    [InlineData(1, 2, 0, true, true)]     // written by a daemon that knew no birth times
    [InlineData(9, 2, 3, false, true)]    // the same file after its device got another number
    [InlineData(1, 2, 4, false, false)]   // its inode was given to a new file
    [InlineData(1, 5, 3, false, false)]
    public void A_file_may_be_another_one_by_what_both_are_known_by(ulong device, ulong inode, long birth, bool now, bool afterRestart)
    {
        var other = new StoredFile(device, inode, birth);
        Assert.Equal((now, afterRestart), (File.MayBe(other), File.MayBeAfterRestart(other)));
        Assert.Equal((now, afterRestart), (other.MayBe(File), other.MayBeAfterRestart(File)));
    }
}

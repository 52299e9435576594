using Qcow2Target.Qcow2.Io;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Testing;

public sealed class RecordingBlockFileTests
{
    private static readonly Func<int, int, bool> AllLost = (_, _) => false;

    [Fact]
    public void What_was_synced_survives_a_power_cut_and_what_was_not_may_be_lost()
    {
        var file = Make();
        file.Write(0, Filled(512, 1));
        file.Sync();
        file.Write(512, Filled(512, 2));

        var disk = file.AfterPowerCut(file.Position, AllLost).ToArray();

        Assert.Equal(Filled(512, 1), disk[..512]);
        Assert.Equal(Filled(512, 0), disk[512..1024]);
    }

    [Fact]
    public void A_cut_before_the_sync_ended_may_lose_what_it_covers()
    {
        var file = Make();
        file.Write(0, Filled(512, 1));
        file.Sync();

        Assert.Equal(Filled(512, 0), file.AfterPowerCut(1, AllLost).ToArray()[..512]);
    }

    [Fact]
    public void A_kill_loses_nothing_that_was_written()
    {
        var file = Make();
        file.Write(100, Filled(1000, 7));

        Assert.Equal(file.Live.ToArray(), file.AfterKill(file.Position).ToArray());
        Assert.Equal(Make().Live.ToArray(), file.AfterKill(0).ToArray());
    }

    [Fact]
    public void An_unsynced_write_tears_at_sector_boundaries_of_the_file()
    {
        var file = Make();
        file.Write(500, Filled(600, 9));   // sectors 0 (12 bytes), 1 (512), 2 (76)

        var disk = file.AfterPowerCut(file.Position, (_, sector) => sector == 1).ToArray();

        Assert.Equal(512, disk.Count(value => value == 9));
        Assert.Equal(Filled(512, 9), disk[512..1024]);
    }

    [Fact]
    public void Unsynced_writes_to_one_place_reach_the_disk_in_any_subset()
    {
        var file = Make();
        file.Write(0, Filled(512, 1));
        file.Write(0, Filled(512, 2));

        Assert.Equal(1, file.AfterPowerCut(2, (index, _) => index == 0).ToArray()[0]);
        Assert.Equal(2, file.AfterPowerCut(2, (index, _) => index == 1).ToArray()[0]);
    }

    [Fact]
    public void What_a_failed_sync_would_have_covered_stays_of_unknown_fate()
    {
        var recording = Make();
        var file = new FaultyBlockFile(recording);
        file.FailNth(BlockOperation.Sync, 1, BlockFileError.Io);
        file.Write(0, Filled(512, 1));
        Assert.Throws<BlockFileException>(file.Sync);
        Assert.Throws<BlockFileException>(file.Sync);
        file.Heal();
        file.Write(512, Filled(512, 2));
        file.Sync();

        var disk = recording.AfterPowerCut(recording.Position, AllLost).ToArray();

        Assert.Equal(0, disk[0]);
        Assert.Equal(2, disk[512]);
    }

    [Fact]
    public void A_write_made_while_a_sync_runs_is_not_covered_by_it()
    {
        var file = Make();
        file.Write(0, Filled(512, 1));
        file.DuringSync = () => file.Write(512, Filled(512, 2));
        file.Sync();
        file.DuringSync = null;

        var disk = file.AfterPowerCut(file.Position, AllLost).ToArray();

        Assert.Equal(1, disk[0]);
        Assert.Equal(0, disk[512]);
    }

    [Fact]
    public void A_lost_punch_brings_the_old_bytes_back()
    {
        var file = Make();
        file.Write(0, Filled(1024, 3));
        file.Sync();
        file.Punch(0, 1024);

        Assert.Equal(3, file.AfterPowerCut(file.Position, AllLost).ToArray()[0]);
        Assert.Equal(0, file.AfterKill(file.Position).ToArray()[0]);
    }

    private static RecordingBlockFile Make()
    {
        var initial = new MemoryBlockFile();
        initial.SetLength(4096);
        return new RecordingBlockFile(initial);
    }

    private static byte[] Filled(int count, byte value)
    {
        var bytes = new byte[count];
        bytes.AsSpan().Fill(value);
        return bytes;
    }
}

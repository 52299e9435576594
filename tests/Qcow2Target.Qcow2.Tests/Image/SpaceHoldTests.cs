using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>A full file system holds writes for a while; reads and writes that need no space go on.</summary>
public sealed class SpaceHoldTests : IDisposable
{
    private const int Cluster = 65536;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly ManualTime _time = new();
    private readonly TestImages _images;
    private readonly MemoryBlockFile _memory;
    private readonly FaultyBlockFile _file;
    private readonly WriterDriver _driver;

    public SpaceHoldTests()
    {
        _images = new TestImages { Time = _time };
        _memory = _images.Create("t", new ImageCreateOptions { VirtualSize = 64 << 20 });
        _images.Files["t"] = _file = new FaultyBlockFile(_memory) { WritesHalfBeforeFailing = true };
        _driver = _images.Drive("t");
        _driver.Writer.SpacePatience = Patience;
        _driver.WriteThrough(0, Bytes(Cluster, 1));
        _driver.Flush();
        _driver.RunAll();
    }

    [Fact]
    public void A_held_write_is_done_when_there_is_space_again_and_others_do_not_wait_for_it()
    {
        // What is there can be overwritten; a cluster that is new finds no space.
        _file.FailWhen((operation, offset, _) => operation == BlockOperation.Write && offset >= 6 * Cluster, BlockFileError.NoSpace);
        var held = _driver.Write(Cluster, Bytes(Cluster, 2));
        var zeroed = _driver.Zero(10 * Cluster + 512, 512, ZeroSpace.Keep);
        Pass(TimeSpan.FromSeconds(10));
        Assert.False(held.IsCompleted);
        Assert.True(zeroed.Succeeded);          // needs no space
        Assert.True(_driver.Image.TryWrite(512, Bytes(512, 3)));
        var flush = _driver.Flush();
        var read = new byte[Cluster];
        _driver.Image.Read(Cluster, read);
        Assert.Equal(-1, read.AsSpan().IndexOfAnyExcept((byte)0));
        Pass(TimeSpan.FromSeconds(5));
        Assert.True(flush.Succeeded);
        _file.Heal();
        Pass(TimeSpan.FromSeconds(1));
        Assert.True(held.Succeeded);
        _driver.Image.Read(Cluster, read);
        Assert.Equal(-1, read.AsSpan().IndexOfAnyExcept((byte)2));
        _driver.Close();
        TestImages.AssertChecked(_memory, CheckVerdict.Clean);
    }

    [Fact]
    public void After_its_time_it_fails_alone_and_the_next_write_heals()
    {
        Fill();
        var held = _driver.Write(Cluster, Bytes(Cluster, 2));
        Pass(Patience - TimeSpan.FromSeconds(1));
        Assert.False(held.IsCompleted);
        Pass(TimeSpan.FromSeconds(2));
        Assert.Equal(ImageFaultKind.NoSpace, held.Fault?.Kind);
        Assert.Null(_driver.Writer.Fault);
        _file.Heal();
        _driver.WriteThrough(Cluster, Bytes(Cluster, 4));
        _driver.Close();
        TestImages.AssertChecked(_memory, CheckVerdict.Clean);
    }

    [Fact]
    public void One_that_nobody_waits_for_ends_at_once()
    {
        Fill();
        var abandoned = false;
        var held = _driver.Write(Cluster, Bytes(Cluster, 2), () => abandoned);
        var other = _driver.Write(2 * Cluster, Bytes(Cluster, 2));
        Pass(TimeSpan.FromSeconds(3));
        abandoned = true;
        Pass(TimeSpan.Zero);
        Assert.Equal(ImageFaultKind.NoSpace, held.Fault?.Kind);
        Assert.False(other.IsCompleted);
        _file.Heal();
        Pass(TimeSpan.FromSeconds(1));
        Assert.True(other.Succeeded);
        _driver.Close();
    }

    [Fact]
    public void Who_comes_later_to_the_same_cluster_stays_behind()
    {
        Fill();
        var first = _driver.Write(Cluster, Bytes(Cluster, 2));
        Pass(TimeSpan.FromSeconds(1));
        var second = _driver.Write(Cluster + 512, Bytes(512, 3));
        Pass(TimeSpan.FromSeconds(1));
        _file.Heal();
        Pass(TimeSpan.FromSeconds(1));
        Assert.True(first.Succeeded && second.Succeeded);
        var read = new byte[1536];
        _driver.Image.Read(Cluster, read);
        Assert.Equal([.. Bytes(512, 2), .. Bytes(512, 3), .. Bytes(512, 2)], read);
        _driver.Close();
    }

    [Fact]
    public void Of_many_that_are_held_one_tries_at_a_time()
    {
        Fill();
        var held = Enumerable.Range(1, 50).Select(cluster => _driver.Write(cluster * Cluster, Bytes(512, 2))).ToArray();
        Pass(TimeSpan.Zero);
        var writes = _file.Writes;
        Pass(TimeSpan.FromSeconds(15));
        Assert.InRange(_file.Writes - writes, 20, 40);
        _file.Heal();
        Pass(TimeSpan.FromSeconds(1));
        Assert.All(held, outcome => Assert.True(outcome.Succeeded));
        _driver.Close();
        TestImages.AssertChecked(_memory, CheckVerdict.Clean);
    }

    [Fact]
    public void Counts_that_find_no_space_hold_their_writes_too()
    {
        _driver.Close();
        var driver = _images.Drive("t");
        driver.Writer.SpacePatience = Patience;
        Fill();
        var held = driver.Write(Cluster, Bytes(Cluster, 2));
        Pass(TimeSpan.FromSeconds(5), driver);
        Assert.False(held.IsCompleted);
        _file.Heal();
        Pass(TimeSpan.FromSeconds(1), driver);
        Assert.True(held.Succeeded);
        Fill();
        held = driver.Write(40 << 20, Bytes(20 << 20, 2));
        Pass(TimeSpan.FromSeconds(30), driver);
        Assert.Equal(ImageFaultKind.NoSpace, held.Fault?.Kind);
        _file.Heal();
        driver.Close();
        TestImages.AssertChecked(_memory, CheckVerdict.Clean);
    }

    [Fact]
    public void A_write_in_place_into_a_hole_is_held_like_any_other()
    {
        Fill();
        var fault = Assert.Throws<ImageFaultException>(() => _driver.Image.TryWrite(0, Bytes(512, 5)));
        Assert.Equal(ImageFaultKind.NoSpace, fault.Fault.Kind);
        var held = _driver.Write(0, Bytes(512, 5));
        Pass(TimeSpan.FromSeconds(5));
        Assert.False(held.IsCompleted);
        _file.Heal();
        Pass(TimeSpan.FromSeconds(1));
        Assert.True(held.Succeeded);
        _driver.Close();
    }

    [Fact]
    public void A_close_waits_for_nobody_who_is_held()
    {
        Fill();
        var held = _driver.Write(Cluster, Bytes(Cluster, 2));
        Pass(TimeSpan.FromSeconds(1));
        _file.Heal();
        _file.FailWhen((operation, offset, _) => operation == BlockOperation.Write && offset >= 5 * Cluster, BlockFileError.NoSpace);
        _driver.Close();
        Assert.Equal(ImageFaultKind.NoSpace, held.Fault?.Kind);
        TestImages.AssertChecked(_memory, CheckVerdict.Clean);
    }

    public void Dispose() => _file.Dispose();

    private void Fill() => _file.FailWhen((operation, _, _) => operation == BlockOperation.Write, BlockFileError.NoSpace);

    // In steps as the writer's owner takes them: it sleeps until the next tick.
    private void Pass(TimeSpan time, WriterDriver? driver = null)
    {
        driver ??= _driver;
        for (var i = 0; i < 300; i++) driver.Turn();
        for (var left = time; left > TimeSpan.Zero;)
        {
            var step = driver.Writer.NextTick is { } next && next < left ? next : left;
            if (step < TimeSpan.FromMilliseconds(1)) step = TimeSpan.FromMilliseconds(1);
            _time.Advance(step);
            left -= step;
            for (var i = 0; i < 20; i++) driver.Turn();
        }
        for (var i = 0; i < 300; i++) driver.Turn();
    }

    private static byte[] Bytes(int count, byte value)
    {
        var bytes = new byte[count];
        bytes.AsSpan().Fill(value);
        return bytes;
    }
}

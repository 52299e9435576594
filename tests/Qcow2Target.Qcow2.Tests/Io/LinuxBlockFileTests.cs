using Qcow2Target.Interop;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Io;

public sealed class LinuxBlockFileTests : IDisposable
{
    private readonly TempDirectory _directory = TempDirectory.OnDisk();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Bytes_past_the_end_read_as_zeros()
    {
        using var file = Open(_directory.File("f", [1, 2, 3]));
        Span<byte> bytes = [9, 9, 9, 9, 9, 9];

        file.Read(1, bytes);
        Assert.Equal<byte>([2, 3, 0, 0, 0, 0], bytes);

        bytes.Fill(9);
        file.Read(1_000_000, bytes);
        Assert.Equal<byte>([0, 0, 0, 0, 0, 0], bytes);
    }

    [Fact]
    public void A_write_past_the_end_extends_the_file()
    {
        using var file = Open(_directory.File("f", []));

        file.Write(100_000, [5]);

        Assert.Equal(100_001, file.Length);
        Assert.Equal(5, File.ReadAllBytes(_directory["f"])[100_000]);
    }

    [Fact]
    public void The_length_is_that_of_the_file_now()
    {
        using var file = Open(_directory.File("f", new byte[5000]));
        using (var other = new FileStream(_directory["f"], FileMode.Open)) other.SetLength(77);
        Assert.Equal(77, file.Length);
    }

    [Fact]
    public void A_cached_read_is_served_without_waiting_and_zero_filled_at_the_end()
    {
        using var file = Open(_directory.File("f", new byte[8192]));
        file.Write(0, Enumerable.Repeat((byte)7, 8192).ToArray());
        var bytes = new byte[4096];

        Assert.True(file.TryRead(6144, bytes));

        Assert.All(bytes[..2048], value => Assert.Equal(7, value));
        Assert.All(bytes[2048..], value => Assert.Equal(0, value));
        bytes[0] = 9;
        Assert.True(file.TryRead(1 << 20, bytes));
        Assert.All(bytes, value => Assert.Equal(0, value));
    }

    [Fact]
    public void An_uncached_read_is_refused_and_then_read_by_waiting()
    {
        var content = new RandomSource(static _ => { }, 1).Bytes(1 << 20);
        using var file = Open(_directory.File("f", content));
        file.Sync();
        var bytes = new byte[4096];
        // The page cache is the kernel's: it drops what it likes, so try until it did.
        Eventually.Now(() =>
        {
            PageCache.Drop(_directory["f"]);
            return !file.TryRead(512 << 10, bytes);
        });

        file.Read(512 << 10, bytes);

        Assert.Equal(content.AsSpan(512 << 10, 4096).ToArray(), bytes);
        Assert.True(file.TryRead(512 << 10, bytes));
    }

    [Fact]
    public void A_read_that_is_cached_in_part_only_is_refused()
    {
        using var file = Open(_directory.File("f", new byte[4 << 20]));
        file.Sync();
        Eventually.Now(() =>
        {
            PageCache.Drop(_directory["f"]);
            file.Read(0, new byte[4096]);   // brings in the read-ahead window, far less than the file
            return !file.TryRead(0, new byte[4 << 20]) && file.TryRead(0, new byte[4096]);
        });
    }

    [Fact]
    public void Punched_bytes_read_as_zeros_and_give_their_space_back()
    {
        using var file = Open(_directory.File("f", Enumerable.Repeat((byte)3, 1 << 20).ToArray()));
        file.Sync();

        Assert.True(file.Punch(65536, 65536));

        Assert.Equal(1 << 20, file.Length);
        var bytes = new byte[65536 + 2];
        file.Read(65535, bytes);
        Assert.Equal(3, bytes[0]);
        Assert.Equal(3, bytes[^1]);
        Assert.All(bytes[1..^1], value => Assert.Equal(0, value));
        Assert.Equal((1 << 20) - 65536, HostFile.AllocatedBytes(_directory["f"]));
    }

    [Fact]
    public void Empty_ranges_do_nothing()
    {
        using var file = Open(_directory.File("f", [1]));
        file.Read(0, []);
        file.Write(50, []);
        Assert.True(file.TryRead(0, []));
        Assert.True(file.Punch(0, 0));
        Assert.Equal(1, file.Length);
    }

    [Fact]
    public void A_write_to_a_file_opened_for_reading_is_a_read_only_error()
    {
        using var file = Open(_directory.File("f", [1]), Libc.O_RDONLY);
        Assert.Equal(BlockFileError.ReadOnly, Assert.Throws<BlockFileException>(() => file.Write(0, [2])).Error);
        Assert.Equal(BlockFileError.ReadOnly, Assert.Throws<BlockFileException>(() => file.Punch(0, 1)).Error);
    }

    [Fact]
    public void A_full_device_is_a_no_space_error_that_names_the_file()
    {
        using var file = Open("/dev/full");
        var failure = Assert.Throws<BlockFileException>(() => file.Write(4096, [2, 3]));
        Assert.Equal(BlockFileError.NoSpace, failure.Error);
        Assert.Contains("cannot write 2 bytes at 4096 of '/dev/full'", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_write_past_what_the_file_system_can_hold_is_a_no_space_error()
    {
        using var file = Open(_directory.File("f", []));
        // Past s_maxbytes of every Linux file system but those that take the whole 63 bits (which then run out of space or overflow).
        var failure = Assert.Throws<BlockFileException>(() => file.Write(long.MaxValue - 4096, new byte[4096]));
        Assert.Equal(BlockFileError.NoSpace, failure.Error);
    }

    [Fact]
    public void An_offset_that_overflows_is_an_error_and_does_not_turn_fast_reads_off()
    {
        using var file = Open(_directory.File("f", new byte[4096]));
        file.Write(0, new byte[4096]);
        Assert.False(file.TryRead(long.MaxValue, new byte[4096]));
        Assert.Throws<BlockFileException>(() => file.Read(long.MaxValue, new byte[4096]));
        Assert.True(file.TryRead(0, new byte[4096]));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Read(-1, new byte[1]));
    }

    [Fact]
    public void Where_the_file_cannot_punch_it_says_so_every_time()
    {
        using var file = Open("/dev/zero");   // ENODEV for ever is a fault of another kind
        Assert.Throws<BlockFileException>(() => file.Punch(0, 4096));
    }

    [Fact]
    public void After_a_sync_that_failed_all_later_ones_fail()
    {
        using var file = Open("/dev/full");   // a character device cannot be synced
        Assert.Throws<BlockFileException>(file.Sync);
        Assert.Contains("an earlier sync failed", Assert.Throws<BlockFileException>(file.Sync).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_was_disposed_turns_calls_away_and_has_no_descriptor()
    {
        var file = Open(_directory.File("f", [1]));
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Read(0, new byte[1]));
        Assert.DoesNotContain(_directory["f"], OpenFiles());
        file.Dispose();
    }

    [Fact]
    public async Task Dispose_under_running_calls_never_lets_one_reach_another_file()
    {
        var mine = _directory.File("mine", Enumerable.Repeat((byte)1, 65536).ToArray());
        var others = _directory.File("others", Enumerable.Repeat((byte)2, 65536).ToArray());
        for (var round = 0; round < 200; round++)
        {
            var file = Open(mine);
            var readers = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
            {
                var bytes = new byte[65536];
                try
                {
                    while (true)
                    {
                        file.Read(0, bytes);
                        if (bytes.AsSpan().ContainsAnyExcept((byte)1)) return false;
                    }
                }
                catch (ObjectDisposedException)
                {
                    return true;
                }
            })).ToArray();
            file.Dispose();
            using (Open(others)) Assert.All(await Task.WhenAll(readers), Assert.True);
        }
    }

    [Fact]
    public void Cached_reads_and_writes_allocate_nothing()
    {
        using var file = Open(_directory.File("f", new byte[65536]));
        var bytes = new byte[4096];
        void Touch()
        {
            file.Write(0, bytes);
            file.TryRead(4096, bytes);
            file.Read(8192, bytes);
        }
        for (var warm = 0; warm < 100; warm++) Touch();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var round = 0; round < 1000; round++) Touch();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100);
    }

    private static LinuxBlockFile Open(string path, int mode = Libc.O_RDWR)
    {
        var descriptor = Libc.Open(path, mode | Libc.O_CLOEXEC | Libc.O_NONBLOCK);
        Assert.NotEqual(-1, descriptor);
        return new LinuxBlockFile(new FileDescriptor(descriptor), path);
    }

    private static IEnumerable<string?> OpenFiles() => Directory.GetFiles("/proc/self/fd").Select(link =>
    {
        try
        {
            return File.ResolveLinkTarget(link, returnFinalTarget: false)?.FullName;
        }
        catch (IOException)
        {
            return null;
        }
    });
}

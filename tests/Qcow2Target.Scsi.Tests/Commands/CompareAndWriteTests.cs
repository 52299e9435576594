using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class CompareAndWriteTests
{
    private readonly Bench _bench = new();

    private static byte[] Cdb(ulong lba, byte blocks, byte flags = 0)
    {
        byte[] cdb = TestCdb.Sixteen(0x89, lba, 0, flags);
        cdb[13] = blocks;
        return cdb;
    }

    [Fact]
    public void Writes_the_second_half_where_the_first_is_on_the_disk()
    {
        byte[] old = TestCdb.Pattern(255 * 512, 1);
        byte[] fresh = TestCdb.Pattern(255 * 512, 2);
        old.CopyTo(_bench.Device.Bytes, 5 * 512);

        Assert.Same(ScsiOutcome.Good, _bench.Run(Cdb(5, 255), [.. old, .. fresh]));

        Assert.Equal(fresh, _bench.Device.Bytes.AsSpan(5 * 512, 255 * 512).ToArray());
        Assert.Equal(0, _bench.Device.Flushes);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(511)]
    [InlineData(512)]
    [InlineData(1023)]
    public void Tells_where_the_first_byte_differs_and_writes_nothing(int at)
    {
        byte[] old = TestCdb.Pattern(1024, 1);
        old.CopyTo(_bench.Device.Bytes, 0);
        byte[] expected = [.. old];
        expected[at] ^= 1;

        Assert.Equal($"E/1D/00+{at}", _bench.Refusal(Cdb(0, 2), [.. expected, .. new byte[1024]]));

        Assert.Equal(old, _bench.Device.Bytes.AsSpan(0, 1024).ToArray());
        Assert.Empty(_bench.Device.Writes);
    }

    [Fact]
    public void Fua_flushes_before_the_status()
    {
        Assert.Same(ScsiOutcome.Good, _bench.Run(Cdb(0, 1, 0x08), new byte[1024]));
        Assert.Equal(1, _bench.Device.Flushes);
    }

    [Fact]
    public void Refuses_each_fault_by_name()
    {
        Assert.Equal("5/24/00@1.7", _bench.Refusal(Cdb(0, 1, 0x20), new byte[1024]));
        Assert.Equal("5/21/00", _bench.Refusal(Cdb(8192, 1), new byte[1024]));
        Assert.Equal("5/21/00", _bench.Refusal(Cdb(8193, 0)));
        Assert.Equal("5/21/00", _bench.Refusal(Cdb(ulong.MaxValue, 255), new byte[1024]));
        Assert.Equal("5/0E/03", _bench.Refusal(Cdb(0, 1), new byte[512]));
        Assert.Equal("5/0E/03", _bench.Refusal(Cdb(0, 1), new byte[1536]));
        Assert.Equal("Good", _bench.Refusal(Cdb(8192, 0)));
        Assert.Equal("5/24/00@13", _bench.Refusal(Cdb(0, 0), new byte[2 * 256 * 512]));
        Assert.Equal("7/27/00", new Bench(new MemoryBlockDevice(isReadOnly: true)).Refusal(Cdb(0, 1), new byte[1024]));
    }

    [Theory]
    [InlineData(BlockDeviceFault.ReadError, null, "3/11/00")]
    [InlineData(null, BlockDeviceFault.NoSpace, "7/27/07")]
    public void A_fault_of_the_disk_is_the_answer_and_the_range_is_free_again(BlockDeviceFault? read, BlockDeviceFault? write, string sense)
    {
        (_bench.Device.ReadFault, _bench.Device.WriteFault) = (read, write);
        Assert.Equal(sense, _bench.Refusal(Cdb(0, 1), new byte[1024]));

        (_bench.Device.ReadFault, _bench.Device.WriteFault) = (null, null);
        Assert.True(_bench.Begin(TestCdb.Ten(0x2A, 0, 1), 512).TryWrite(0, new byte[512]));
    }

    [Fact]
    public async Task A_plain_write_waits_while_blocks_are_compared()
    {
        CommandPlan write = default;
        Task<ScsiOutcome>? late = null;
        _bench.Device.BeforeAsync = () =>
        {
            if (late is not null)
                return;
            write = _bench.Begin(TestCdb.Ten(0x2A, 0, 1), 512);
            Assert.False(write.TryWrite(0, TestCdb.Pattern(512, 7)));
            late = write.WriteAsync(0, TestCdb.Pattern(512, 7)).AsTask();
            Assert.False(late.IsCompleted);
        };

        Assert.Same(ScsiOutcome.Good, _bench.Run(Cdb(0, 1), [.. new byte[512], .. TestCdb.Pattern(512, 3)]));

        Assert.Same(ScsiOutcome.Good, await late!);
        Assert.Equal(TestCdb.Pattern(512, 7), _bench.Device.Bytes.AsSpan(0, 512).ToArray());
    }

    [Fact]
    public async Task An_aborted_write_does_not_wait_for_who_has_its_blocks()
    {
        using RangeHold hold = await _bench.Unit.Medium.HoldAsync(0, 512, CancellationToken.None);
        using var abort = new CancellationTokenSource();
        CommandPlan write = _bench.Begin(TestCdb.Ten(0x2A, 0, 1), 512);
        Task<ScsiOutcome> waiting = write.WriteAsync(0, new byte[512], abort.Token).AsTask();
        Assert.False(waiting.IsCompleted);

        await abort.CancelAsync();

        Assert.Same(ScsiOutcome.Busy, await waiting.WaitAsync(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task One_of_many_that_expect_the_same_block_wins()
    {
        const int Workers = 4;
        const int Rounds = 200;
        int wins = 0;
        _bench.Device.BeforeAsync = static () => Thread.SpinWait(500);   // so that they meet between reading and writing

        await Task.WhenAll(Enumerable.Range(0, Workers).Select(worker => Task.Run(async () =>
        {
            for (int round = 0; round < Rounds;)
            {
                byte[] data = new byte[1024];
                BitConverter.TryWriteBytes(data, Volatile.Read(ref wins));
                BitConverter.TryWriteBytes(data.AsSpan(512), Volatile.Read(ref wins) + 1);
                ScsiOutcome outcome = await Bench.RunAsync(_bench.Begin(Cdb(3, 1), data.Length, nexus: _bench.Nexus), data, default);
                if (outcome.Status == ScsiStatus.Good)
                {
                    Interlocked.Increment(ref wins);
                    round++;
                }
            }
        }))).WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Equal(Workers * Rounds, BitConverter.ToInt32(_bench.Device.Bytes, 3 * 512));
    }
}

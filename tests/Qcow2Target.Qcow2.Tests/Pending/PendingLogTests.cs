using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Pending;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Pending;

public sealed class PendingLogTests(ITestOutputHelper output)
{
    private const long Bytes = 64 << 10;

    private static readonly PendingLogHeader Header = new(new PendingMark(0x1122334455667788), new FileIdentity(7, 8, 9), "/disks/t.qcow2");
    private static readonly ClusterGeometry Geometry = new(16, 4, 3, 1 << 30);

    [Fact]
    public void Records_are_read_back_in_order()
    {
        var (log, file) = Begin();
        for (var number = 0; number < 20; number++) Append(log, Record(number, number % 5));
        Assert.Equal(Enumerable.Range(0, 20), Read(file).Select(record => record.L1Index));
        var record = Read(file)[9];
        Assert.Equal((0UL, (1UL << 63) | 0x10000), (record.OldL1, record.NewL1));
        Assert.Equal(Record(9, 4).Changes, record.Changes);
    }

    [Fact]
    public void A_torn_record_ends_the_log_wherever_it_was_cut()
    {
        var (log, file) = Begin();
        Append(log, Record(0, 2));
        var before = file.ToArray();
        Append(log, Record(1, 3));
        var after = file.ToArray();
        var first = before.AsSpan().CommonPrefixLength(after);
        var end = after.AsSpan().LastIndexOfAnyExcept((byte)0) + 1;
        for (var cut = first; cut < end; cut++)
        {
            var torn = before.ToArray();
            after.AsSpan(first, cut - first).CopyTo(torn.AsSpan(first));
            Assert.Single(PendingLog.Read(torn, Header.Mark, Geometry));
        }
    }

    [Fact]
    public void What_is_committed_makes_room_and_what_is_not_is_kept_around_the_ring()
    {
        var random = new RandomSource(output.WriteLine);
        var (log, file) = Begin();
        var live = new Queue<(int Number, long Sequence)>();
        var next = 0;
        var full = 0;
        for (var step = 0; step < 3000; step++)
        {
            var record = Record(next, random.Next(60));
            if (log.Append(record, out var sequence) == AppendOutcome.Appended)
            {
                log.Linked(sequence);
                live.Enqueue((next++, sequence));
            }
            else
            {
                full++;
                Assert.True(log.IsHalfFull);
                for (var count = random.Next(1, live.Count + 1); count > 0; count--) live.Dequeue();
                log.Release(live.TryPeek(out var oldest) ? oldest.Sequence : log.Boundary);
            }
            if (step % 100 == 0 || full % 5 == 1) Assert.Equal(live.Select(entry => entry.Number), Read(file).Select(found => found.L1Index));
        }
        Assert.True(full > 5, $"full {full} times");
    }

    [Fact]
    public void A_record_that_is_not_linked_is_kept_by_a_commit_of_later_ones()
    {
        var (log, file) = Begin();
        log.Append(Record(0, 1), out var first);
        log.Append(Record(1, 1), out var second);
        log.Linked(second);
        Assert.Equal(first, log.Boundary);
        log.Release(log.Boundary);
        Assert.Equal(2, Read(file).Count);
        log.Linked(first);
        log.Release(log.Boundary);
        Assert.Empty(Read(file));
    }

    [Fact]
    public void Any_bytes_are_read_without_harm()
    {
        var random = new RandomSource(output.WriteLine);
        var (log, file) = Begin();
        for (var number = 0; number < 100; number++) Append(log, Record(number, number % 7));
        var good = file.ToArray();
        for (var round = 0; round < 2000; round++)
        {
            var bad = good.ToArray();
            for (var flips = random.Next(1, 4); flips > 0; flips--) bad[random.Once(2) ? random.Next(4096, 6000) : random.Next(bad.Length)] ^= (byte)(1 << random.Next(8));
            Assert.True(PendingLog.Read(bad.AsSpan(0, random.Once(3) ? random.Next(bad.Length) : bad.Length), Header.Mark, Geometry).Count <= 100);
            PendingLogHeader.TryParse(bad);
        }
    }

    [Fact]
    public void A_header_tells_whose_log_it_is_and_a_damaged_one_nothing()
    {
        var block = Header.Serialize();
        Assert.Equal(Header, PendingLogHeader.TryParse(block));
        for (var position = 0; position < 52 + Header.Path.Length; position++)
        {
            var bad = block.ToArray();
            bad[position] ^= 0x10;
            Assert.Null(PendingLogHeader.TryParse(bad));
        }
    }

    [Fact]
    public void A_write_error_breaks_the_log_and_leaves_what_is_in_it()
    {
        var memory = new MemoryBlockFile();
        memory.SetLength(Bytes);
        var file = new FaultyBlockFile(memory);
        var log = PendingLog.Begin(file, Header, Geometry, Bytes);
        Append(log, Record(0, 1));
        file.FailNth(BlockOperation.Write, 1, BlockFileError.Io);
        Assert.Equal(AppendOutcome.Broken, log.Append(Record(1, 1), out _));
        Assert.Equal(AppendOutcome.Broken, log.Append(Record(2, 1), out _));
        Assert.Single(Read(memory));
    }

    private static (PendingLog Log, MemoryBlockFile File) Begin()
    {
        var file = new MemoryBlockFile();
        file.SetLength(Bytes);
        return (PendingLog.Begin(file, Header, Geometry, Bytes), file);
    }

    private static IReadOnlyList<PendingRecord> Read(MemoryBlockFile file) => PendingLog.Read(file.ToArray(), Header.Mark, Geometry);

    private static void Append(PendingLog log, PendingRecord record)
    {
        Assert.Equal(AppendOutcome.Appended, log.Append(record, out var sequence));
        log.Linked(sequence);
    }

    private static PendingRecord Record(int number, int changes) => new(number, 0, (1UL << 63) | 0x10000,
        [.. Enumerable.Range(0, changes).Select(index => new PendingChange(index, default, new PendingEntry((1UL << 63) | ((ulong)(number + index + 1) << 16), 0)))]);
}

namespace Qcow2Target.Scsi.Tests;

public sealed class RangeLockTests
{
    private readonly RangeLock _lock = new();

    private Task<RangeHold> Hold(long offset, long length) => _lock.HoldAsync(offset, length, CancellationToken.None).AsTask();

    private Task<WriteTicket> Enter(long offset, long length) => _lock.EnterAsync(offset, length, CancellationToken.None).AsTask();

    [Fact]
    public async Task A_holder_keeps_writes_out_of_its_range_and_no_further()
    {
        using (await Hold(1024, 512))
        {
            Assert.False(_lock.TryEnter(1535, 1, out _));
            Assert.False(_lock.TryEnter(0, 1025, out _));
            Assert.True(_lock.TryEnter(0, 1024, out WriteTicket before));
            Assert.True(_lock.TryEnter(1536, 512, out WriteTicket after));
            _lock.Leave(before);
            _lock.Leave(after);
        }

        Assert.True(_lock.TryEnter(1024, 512, out WriteTicket ticket));
        Assert.Equal(0, ticket.Id);   // nobody asks any more
    }

    [Fact]
    public async Task A_holder_waits_for_the_writes_that_are_under_way()
    {
        Assert.True(_lock.TryEnter(0, 512, out WriteTicket early));
        Task<RangeHold> hold = Hold(0, 512);
        Assert.False(hold.IsCompleted);
        Assert.False(_lock.TryEnter(0, 512, out _));   // and is not overtaken
        Assert.True(_lock.TryEnter(512, 512, out WriteTicket beside));

        _lock.Leave(early);

        using (await hold.WaitAsync(TimeSpan.FromSeconds(10)))
            _lock.Leave(beside);
    }

    [Fact]
    public async Task A_write_that_waits_comes_in_when_the_holder_leaves()
    {
        RangeHold hold = await Hold(0, 512);
        Task<WriteTicket> write = Enter(0, 512);
        Task<RangeHold> next = Hold(0, 512);
        Assert.False(write.IsCompleted);

        hold.Dispose();
        hold.Dispose();

        WriteTicket ticket = await write.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.False(next.IsCompleted);
        _lock.Leave(ticket);
        (await next.WaitAsync(TimeSpan.FromSeconds(10))).Dispose();
    }

    [Fact]
    public async Task Holders_of_ranges_that_do_not_overlap_do_not_wait_for_each_other()
    {
        using RangeHold one = await Hold(0, 512);
        using RangeHold other = await Hold(512, 512).WaitAsync(TimeSpan.FromSeconds(10));
        Assert.False(Hold(511, 2).IsCompleted);
    }

    [Fact]
    public async Task A_holder_that_gives_up_lets_those_behind_it_in()
    {
        RangeHold first = await Hold(0, 512);
        using var cancellation = new CancellationTokenSource();
        Task<RangeHold> second = _lock.HoldAsync(256, 1024, cancellation.Token).AsTask();
        Task<WriteTicket> write = Enter(768, 512);
        Assert.False(write.IsCompleted);

        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        _lock.Leave(await write.WaitAsync(TimeSpan.FromSeconds(10)));
        first.Dispose();
        Assert.True(_lock.TryEnter(0, 512, out WriteTicket ticket));
        Assert.Equal(0, ticket.Id);
    }

    [Fact]
    public async Task A_write_that_gives_up_is_not_in()
    {
        RangeHold hold = await Hold(0, 512);
        using var cancellation = new CancellationTokenSource();
        Task<WriteTicket> write = _lock.EnterAsync(0, 512, cancellation.Token).AsTask();
        Task<RangeHold> next = Hold(0, 512);

        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write);
        hold.Dispose();
        (await next.WaitAsync(TimeSpan.FromSeconds(10))).Dispose();
    }

    [Fact]
    public async Task No_write_is_ever_inside_a_range_that_is_held()
    {
        const int Cells = 8;
        int[] writers = new int[Cells];
        int[] holders = new int[Cells];
        int broken = 0;
        int seed = Random.Shared.Next();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            var random = new Random(seed + worker);
            for (int i = 0; i < 4000; i++)
            {
                int from = random.Next(Cells);
                int to = random.Next(from, Cells) + 1;
                if (random.Next(8) == 0)
                {
                    using RangeHold hold = await _lock.HoldAsync(from, to - from, CancellationToken.None);
                    for (int cell = from; cell < to; cell++)
                        Count(ref broken, Interlocked.Increment(ref holders[cell]) != 1 || Volatile.Read(ref writers[cell]) != 0);
                    for (int cell = from; cell < to; cell++)
                        Interlocked.Decrement(ref holders[cell]);
                }
                else
                {
                    if (!_lock.TryEnter(from, to - from, out WriteTicket ticket))
                        ticket = await _lock.EnterAsync(from, to - from, CancellationToken.None);
                    for (int cell = from; cell < to; cell++)
                    {
                        Interlocked.Increment(ref writers[cell]);
                        Count(ref broken, Volatile.Read(ref holders[cell]) != 0);
                        Interlocked.Decrement(ref writers[cell]);
                    }

                    _lock.Leave(ticket);
                }
            }
        }))).WaitAsync(TimeSpan.FromSeconds(60));

        Assert.True(broken == 0, $"seed {seed}: {broken} times");
        Assert.True(_lock.TryEnter(0, Cells, out WriteTicket last));
        Assert.Equal(0, last.Id);
    }

    private static void Count(ref int counter, bool hit)
    {
        if (hit)
            Interlocked.Increment(ref counter);
    }
}

using Qcow2Target.EndToEnd.Tests.Initiator;

namespace Qcow2Target.EndToEnd.Tests.Load;

/// <summary>Random reads, writes, unmaps and flushes of one session against a ledger that says what each read may return.</summary>
internal sealed class VerifiedLoad(InitiatorSession session, BlockLedger ledger, LoadMix mix, int seed)
{
    private int _operations;
    private int _flushes;

    /// <summary>Operations that were acknowledged.</summary>
    public int Operations => Volatile.Read(ref _operations);

    public int Flushes => Volatile.Read(ref _flushes);

    /// <summary>Keeps <paramref name="depth"/> operations in progress while <paramref name="goOn"/> holds.</summary>
    public Task RunAsync(int depth, Func<bool> goOn) =>
        Task.WhenAll(Enumerable.Range(0, depth).Select(worker => Task.Run(() => WorkAsync(new Random(HashCode.Combine(seed, worker)), goOn))));

    /// <summary>Reads every block of the ledger and has it judged.</summary>
    public async Task ReadAllAsync(Action<BlockRun, byte[]> judge)
    {
        const int atOnce = 64;
        for (int first = 0; first < ledger.Blocks; first += atOnce)
        {
            BlockRun run = new(first, Math.Min(atOnce, ledger.Blocks - first));
            byte[] data = new byte[run.Bytes];
            await session.MustAsync(Cdb.Read16(run.Lba, data));
            judge(run, data);
        }
    }

    private async Task WorkAsync(Random random, Func<bool> goOn)
    {
        while (goOn())
        {
            int choice = random.Next(100);
            BlockRun run = Choose(random);
            if (choice < mix.Writes) await WriteAsync(run, BlockContent.Stamped, random);
            else if (choice < mix.Writes + mix.Unmaps) await WriteAsync(run, BlockContent.Zeros, random);
            else if (choice < mix.Writes + mix.Unmaps + mix.Flushes) await FlushAsync();
            else await ReadAsync(run);
            Interlocked.Increment(ref _operations);
        }
    }

    private BlockRun Choose(Random random)
    {
        int count = random.Next(1, mix.LongestRun + 1);
        return new BlockRun(random.Next(ledger.Blocks - count + 1), count);
    }

    private async Task WriteAsync(BlockRun wanted, BlockContent content, Random random)
    {
        if (ledger.TryTake(wanted, content) is not { } run) return;
        ScsiCommand command = content == BlockContent.Stamped ? Cdb.Write16(run.Lba, ledger.DataOf(run))
            : random.Next(2) == 0 ? Cdb.Unmap((run.Lba, run.Sectors))
            : Cdb.WriteSame16Unmap(run.Lba, run.Sectors);
        await session.MustAsync(command);
        ledger.Acknowledge(run);
    }

    private async Task FlushAsync()
    {
        await session.MustAsync(Cdb.SynchronizeCache16());
        Interlocked.Increment(ref _flushes);
    }

    private async Task ReadAsync(BlockRun run)
    {
        byte[] data = new byte[run.Bytes];
        uint[] before = ledger.BeforeRead(run);
        await session.MustAsync(Cdb.Read16(run.Lba, data));
        ledger.CheckRead(run, before, data);
    }
}

namespace Qcow2Target.EndToEnd.Tests.Load;

/// <summary>
/// The client's own record of a disk: for each block the generations that were issued, acknowledged and flushed, and which of them were
/// zeros. It says what a read may return; it never asks the target. Safe to use from several threads.
/// </summary>
internal sealed class BlockLedger
{
    private readonly object _gate = new();
    private readonly Entry[] _blocks;
    private readonly int _disk;

    /// <summary>A disk of zeros.</summary>
    /// <param name="disk">A number that all blocks of it carry.</param>
    /// <param name="blocks">How many blocks of 4096 bytes are used.</param>
    public BlockLedger(int disk, int blocks)
    {
        _disk = disk;
        _blocks = new Entry[blocks];
        for (int i = 0; i < blocks; i++) _blocks[i] = new Entry();
    }

    public int Blocks => _blocks.Length;

    /// <summary>Takes a run that no other write holds for the next generation of its blocks, or null where one is held.</summary>
    public BlockRun? TryTake(BlockRun run, BlockContent content)
    {
        lock (_gate)
        {
            for (int i = run.First; i < run.End; i++)
            {
                if (_blocks[i].Busy) return null;
            }
            for (int i = run.First; i < run.End; i++)
            {
                Entry entry = _blocks[i];
                entry.Busy = true;
                entry.Issued++;
                if (content == BlockContent.Zeros) entry.Zeros.Add(entry.Issued);
            }
            return run;
        }
    }

    /// <summary>The data of a run that was taken.</summary>
    public byte[] DataOf(BlockRun run)
    {
        byte[] data = new byte[run.Bytes];
        for (int i = 0; i < run.Count; i++)
            BlockStamp.Write(data.AsSpan(i * BlockStamp.BlockBytes, BlockStamp.BlockBytes), _disk, run.First + i, _blocks[run.First + i].Issued);
        return data;
    }

    /// <summary>The write of a taken run was acknowledged.</summary>
    public void Acknowledge(BlockRun run)
    {
        lock (_gate)
        {
            for (int i = run.First; i < run.End; i++)
            {
                _blocks[i].Acknowledged = _blocks[i].Issued;
                _blocks[i].Busy = false;
            }
        }
    }

    /// <summary>Everything issued so far stands in the image (a base made ready before the disk is served).</summary>
    public void Settle()
    {
        lock (_gate)
        {
            foreach (Entry entry in _blocks)
            {
                entry.Acknowledged = entry.Issued;
                entry.Busy = false;
            }
        }
    }

    /// <summary>The same disk again, for an overlay that begins where this one stands.</summary>
    public BlockLedger Copy()
    {
        BlockLedger copy = new(_disk, _blocks.Length);
        lock (_gate)
        {
            for (int i = 0; i < _blocks.Length; i++) copy._blocks[i] = _blocks[i].Copy();
        }
        return copy;
    }

    /// <summary>To be taken before a read is issued; <see cref="CheckRead"/> when its data are there.</summary>
    public uint[] BeforeRead(BlockRun run)
    {
        lock (_gate) return [.. _blocks.AsSpan(run.First, run.Count).ToArray().Select(entry => entry.Acknowledged)];
    }

    /// <summary>Each sector must be of a generation that was acknowledged when the read began, or of one issued since.</summary>
    /// <exception cref="InvalidDataException">It is not.</exception>
    public void CheckRead(BlockRun run, uint[] before, ReadOnlyMemory<byte> data)
    {
        lock (_gate)
        {
            for (int i = 0; i < run.Count; i++)
            {
                Entry entry = _blocks[run.First + i];
                bool mayBeMixed = entry.Issued != before[i];
                Check(run.First + i, before[i], mayBeMixed, data.Slice(i * BlockStamp.BlockBytes, BlockStamp.BlockBytes));
            }
        }
    }

    /// <summary>
    /// After the daemon was killed: nothing that was acknowledged may be older, flushed or not; nothing may be torn but what was in flight.
    /// </summary>
    /// <exception cref="InvalidDataException">A block breaks the promise.</exception>
    public void CheckAfterKill(BlockRun run, ReadOnlyMemory<byte> data)
    {
        lock (_gate)
        {
            for (int i = 0; i < run.Count; i++)
            {
                Entry entry = _blocks[run.First + i];
                bool wasInFlight = entry.Issued != entry.Acknowledged;
                Check(run.First + i, entry.Acknowledged, wasInFlight, data.Slice(i * BlockStamp.BlockBytes, BlockStamp.BlockBytes));
            }
        }
    }

    private void Check(int number, uint least, bool mayBeMixed, ReadOnlyMemory<byte> block)
    {
        if (mayBeMixed)
        {
            for (int sector = 0; sector < BlockStamp.SectorsPerBlock; sector++)
            {
                foreach (uint? found in BlockStamp.ReadMixed(block, _disk, number, sector))
                {
                    if (!MayBe(number, found, least)) throw Broken(number, sector, found, least);
                }
            }
            return;
        }
        uint? first = BlockStamp.Read(block.Span, _disk, number, 0);
        if (!MayBe(number, first, least)) throw Broken(number, 0, first, least);
        for (int sector = 1; sector < BlockStamp.SectorsPerBlock; sector++)
        {
            uint? found = BlockStamp.Read(block.Span, _disk, number, sector);
            if (found != first) throw Broken(number, sector, found, least);
        }
    }

    private bool MayBe(int number, uint? found, uint least)
    {
        Entry entry = _blocks[number];
        return found is { } generation
            ? generation >= least && generation <= entry.Issued && !entry.Zeros.Contains(generation)
            : least == 0 || entry.Zeros.Any(zeros => zeros >= least && zeros <= entry.Issued);
    }

    private InvalidDataException Broken(int number, int sector, uint? found, uint least)
    {
        Entry entry = _blocks[number];
        string what = found is { } generation ? $"generation {generation}" : "zeros";
        string zeros = entry.Zeros.Count == 0 ? "none" : string.Join(' ', entry.Zeros);
        return new InvalidDataException(
            $"disk {_disk} block {number} sector {sector}: {what}; at least {least} is due, acknowledged {entry.Acknowledged}, " +
            $"issued {entry.Issued}, generations of zeros: {zeros}");
    }

    private sealed class Entry
    {
        public uint Issued, Acknowledged;
        public bool Busy;
        public readonly List<uint> Zeros = [];

        public Entry Copy()
        {
            Entry copy = new() { Issued = Issued, Acknowledged = Acknowledged, Busy = Busy };
            copy.Zeros.AddRange(Zeros);
            return copy;
        }
    }
}

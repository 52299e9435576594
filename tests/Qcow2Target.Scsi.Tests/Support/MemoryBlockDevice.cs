namespace Qcow2Target.Scsi.Tests.Support;

/// <summary>A disk in an array. Each operation can be made to fail, to be slow, or to be looked at.</summary>
internal sealed class MemoryBlockDevice : IBlockDevice
{
    private readonly Lock _lock = new();

    public MemoryBlockDevice(long blocks = 8192, int physicalBlockBytes = 512, bool isReadOnly = false)
    {
        Shape = new BlockDeviceShape(blocks, 512, physicalBlockBytes, 65536, isReadOnly);
        Bytes = new byte[Math.Min(blocks, 1 << 18) * 512];
    }

    public BlockDeviceShape Shape { get; set; }

    public byte[] Bytes { get; }

    /// <summary>Thrown by reads, also by TryRead.</summary>
    public BlockDeviceFault? ReadFault { get; set; }

    /// <summary>Thrown by writes and zeroing, also by TryWrite.</summary>
    public BlockDeviceFault? WriteFault { get; set; }

    public BlockDeviceFault? FlushFault { get; set; }

    public long FailedSyncs { get; set; }

    /// <summary>Whether TryRead and TryWrite do their work.</summary>
    public bool AnswersAtOnce { get; set; } = true;

    /// <summary>Called before each ReadAsync, WriteAsync, ZeroAsync and DescribeAsync.</summary>
    public Action? BeforeAsync { get; set; }

    public Task FlushGate { get; set; } = Task.CompletedTask;

    /// <summary>What a write stores, for a disk that lies.</summary>
    public Func<byte, byte>? Corrupt { get; set; }

    public int Flushes { get; private set; }

    public List<(long Offset, int Length)> Reads { get; } = [];

    public List<(long Offset, int Length)> Writes { get; } = [];

    /// <summary>Those of <see cref="Writes"/> that had to be real ones.</summary>
    public List<(long Offset, int Length)> Overwritten { get; } = [];

    public List<(long Offset, long Length, ZeroMode Mode)> Zeroed { get; } = [];

    /// <summary>What DescribeAsync tells, from the start of the disk on; behind them all is mapped.</summary>
    public List<BlockExtent> Extents { get; } = [];

    /// <summary>Where one look of DescribeAsync ends, in bytes.</summary>
    public long DescribeReach { get; set; } = long.MaxValue;

    public List<(long Offset, long MaxLength)> Described { get; } = [];

    public bool TryRead(long offset, Span<byte> destination)
    {
        Fail(ReadFault);
        if (!AnswersAtOnce)
            return false;
        Bytes.AsSpan((int)offset, destination.Length).CopyTo(destination);
        return true;
    }

    public bool TryWrite(long offset, ReadOnlySpan<byte> source)
    {
        Fail(WriteFault);
        if (!AnswersAtOnce)
            return false;
        source.CopyTo(Bytes.AsSpan((int)offset));
        return true;
    }

    public ValueTask ReadAsync(long offset, Memory<byte> destination)
    {
        BeforeAsync?.Invoke();
        Fail(ReadFault);
        lock (_lock)
            Reads.Add((offset, destination.Length));
        Bytes.AsMemory((int)offset, destination.Length).CopyTo(destination);
        return ValueTask.CompletedTask;
    }

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, CancellationToken giveUp = default)
    {
        BeforeAsync?.Invoke();
        Fail(WriteFault);
        lock (_lock)
            Writes.Add((offset, source.Length));
        Span<byte> target = Bytes.AsSpan((int)offset, source.Length);
        source.Span.CopyTo(target);
        if (Corrupt is { } corrupt)
        {
            foreach (ref byte value in target)
                value = corrupt(value);
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask OverwriteAsync(long offset, ReadOnlyMemory<byte> source)
    {
        lock (_lock)
            Overwritten.Add((offset, source.Length));
        return WriteAsync(offset, source);
    }

    public ValueTask ZeroAsync(long offset, long length, ZeroMode mode, CancellationToken giveUp = default)
    {
        BeforeAsync?.Invoke();
        Fail(WriteFault);
        lock (_lock)
            Zeroed.Add((offset, length, mode));
        Bytes.AsSpan((int)offset, (int)length).Clear();
        return ValueTask.CompletedTask;
    }

    public ValueTask<BlockExtent> DescribeAsync(long offset, long maxLength)
    {
        BeforeAsync?.Invoke();
        Fail(ReadFault);
        lock (_lock)
            Described.Add((offset, maxLength));
        long most = Math.Min(maxLength, DescribeReach);
        long start = 0;
        foreach (BlockExtent extent in Extents)
        {
            start += extent.Length;
            if (offset < start)
                return new(extent with { Length = Math.Min(most, start - offset) });
        }

        return new(new BlockExtent(most, ProvisioningState.Mapped));
    }

    public async ValueTask FlushAsync()
    {
        await FlushGate;
        Fail(FlushFault);
        Flushes++;
    }

    private static void Fail(BlockDeviceFault? fault)
    {
        if (fault is { } reason)
            throw new BlockDeviceException(reason, $"Made to fail: {reason}.");
    }
}

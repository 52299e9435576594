using Qcow2Target.Testing;
using Qcow2Target.Testing.Fuzzing;

namespace Qcow2Target.Scsi.Tests.Support;

/// <summary>
/// A disk in memory that is now fast, now slow, and sometimes fails, and that knows which blocks the commands under way may change: any other change is an error at once.
/// </summary>
internal sealed class FuzzDevice : IBlockDevice
{
    private readonly Lock _lock = new();
    private readonly RandomSource _random;
    private readonly byte[] _bytes;
    private readonly List<BlockSpan> _allowed = [];

    public FuzzDevice(RandomSource random, long blocks, bool isReadOnly)
    {
        _random = random;
        _bytes = new byte[blocks * MediumChanges.BlockBytes];
        Shape = new BlockDeviceShape(blocks, MediumChanges.BlockBytes, 4096, 65536, isReadOnly);
    }

    public BlockDeviceShape Shape { get; }

    public long FailedSyncs => 0;

    /// <summary>What broke the rules; null as long as nothing has.</summary>
    public string? Violation { get; private set; }

    /// <summary>One in so many operations fails; 0 for none.</summary>
    public int FaultOdds { get; init; }

    public long Changes { get; private set; }

    /// <summary>From now on only these blocks may change.</summary>
    public void Allow(IEnumerable<BlockSpan> spans)
    {
        lock (_lock)
        {
            _allowed.Clear();
            _allowed.AddRange(spans);
        }
    }

    public bool TryRead(long offset, Span<byte> destination)
    {
        if (IsSlow()) return false;
        Look(offset, destination.Length);
        _bytes.AsSpan((int)offset, destination.Length).CopyTo(destination);
        return true;
    }

    public bool TryWrite(long offset, ReadOnlySpan<byte> source)
    {
        if (IsSlow()) return false;
        Change(offset, source.Length);
        source.CopyTo(_bytes.AsSpan((int)offset));
        return true;
    }

    public async ValueTask ReadAsync(long offset, Memory<byte> destination)
    {
        await PauseAsync();
        Look(offset, destination.Length);
        _bytes.AsMemory((int)offset, destination.Length).CopyTo(destination);
    }

    public async ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, CancellationToken giveUp = default)
    {
        await PauseAsync();
        Change(offset, source.Length);
        source.CopyTo(_bytes.AsMemory((int)offset));
    }

    public ValueTask OverwriteAsync(long offset, ReadOnlyMemory<byte> source) => WriteAsync(offset, source);

    public async ValueTask ZeroAsync(long offset, long length, ZeroMode mode, CancellationToken giveUp = default)
    {
        await PauseAsync();
        Change(offset, length);
        _bytes.AsSpan((int)offset, (int)length).Clear();
    }

    public async ValueTask<BlockExtent> DescribeAsync(long offset, long maxLength)
    {
        await PauseAsync();
        Look(offset, maxLength);
        long blocks = Math.Max(1, Math.Min(maxLength / MediumChanges.BlockBytes, 8));
        return new BlockExtent(blocks * MediumChanges.BlockBytes, (offset >> 13) % 2 == 0 ? ProvisioningState.Mapped : ProvisioningState.Deallocated);
    }

    public ValueTask FlushAsync() => PauseAsync();

    private bool IsSlow()
    {
        lock (_lock) return _random.Once(4);
    }

    private async ValueTask PauseAsync()
    {
        bool yields, fails;
        BlockDeviceFault fault;
        lock (_lock)
        {
            yields = _random.Once(64);
            fails = FaultOdds > 0 && _random.Once(FaultOdds);
            fault = _random.Pick(BlockDeviceFault.ReadError, BlockDeviceFault.WriteError, BlockDeviceFault.NoSpace, BlockDeviceFault.WriteProtected, BlockDeviceFault.NotReady,
                BlockDeviceFault.Gone, BlockDeviceFault.Corrupt, BlockDeviceFault.Fenced);
        }
        if (yields) await Task.Yield();
        if (fails) throw new BlockDeviceException(fault, "Made to fail.");
    }

    private void Look(long offset, long length)
    {
        if (offset < 0 || length < 0 || offset > _bytes.Length - length) Violation ??= $"{length} bytes at {offset} are not on the disk";
    }

    private void Change(long offset, long length)
    {
        Look(offset, length);
        lock (_lock)
        {
            Changes++;
            for (long at = offset; at < offset + length;)
            {
                long block = at / MediumChanges.BlockBytes, end = _allowed.Where(span => block >= span.First && block < span.First + span.Count).Select(span => span.First + span.Count).DefaultIfEmpty(-1).Max();
                if (end < 0)
                {
                    Violation ??= $"block {block} was changed ({length} bytes at {offset}), which no command under way may do";
                    return;
                }
                at = end * MediumChanges.BlockBytes;
            }
        }
    }
}

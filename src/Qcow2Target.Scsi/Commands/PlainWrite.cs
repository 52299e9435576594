namespace Qcow2Target.Scsi.Commands;

/// <summary>Data-out that is written as it comes.</summary>
internal sealed class PlainWrite : DataOutTransfer
{
    private readonly bool _forceUnitAccess;

    private PlainWrite(bool forceUnitAccess) => _forceUnitAccess = forceUnitAccess;

    /// <summary>Durable only where the unit has no write cache.</summary>
    public static PlainWrite Cached { get; } = new(forceUnitAccess: false);

    /// <summary>Durable before the status (FUA).</summary>
    public static PlainWrite Durable { get; } = new(forceUnitAccess: true);

    public override bool TryWrite(LogicalUnit unit, long offset, ReadOnlySpan<byte> source) => unit.TryWrite(offset, source);

    public override ValueTask<ScsiOutcome> WriteAsync(LogicalUnit unit, long start, long position, ReadOnlyMemory<byte> source, CancellationToken giveUp) =>
        unit.WriteAsync(start + position, source, giveUp);

    public override ValueTask<ScsiOutcome> FinishAsync(LogicalUnit unit, long start, long length) =>
        _forceUnitAccess ? unit.FlushAsync() : unit.SettleAsync();
}

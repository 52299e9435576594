using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Operations;

/// <summary>
/// SANITIZE OVERWRITE and BLOCK ERASE. It is on record before the first block goes and until the last one has gone, so that a loss of power
/// does not leave a medium that looks whole and is not.
/// </summary>
/// <param name="shape">The medium's.</param>
/// <param name="record">What is kept of it.</param>
/// <param name="pattern">The list of <paramref name="record"/>, or null for block erase.</param>
/// <param name="keeper">Who keeps the record; null where nothing can be kept.</param>
internal sealed class SanitizeOperation(BlockDeviceShape shape, SanitizeRecord record, SanitizePattern? pattern, ISanitizeKeeper? keeper)
    : UnitOperation(WholeMedium.BytesOf(shape) * (pattern?.Passes ?? 1))
{
    public override FailureExit Exit => record.Exit;

    protected override bool LocksAfterFailure => true;

    public override bool MayFollow(UnitOperation? before) => before is null or { HasFailed: true };

    protected override SenseData InProgress(ushort progress) => SenseData.SanitizeInProgress(progress);

    protected override ValueTask<bool> TryBeginAsync() => keeper?.TryKeepAsync(record) ?? new(true);

    protected override Task WorkAsync(IBlockDevice device) => pattern?.OverwriteAsync(device, this) ?? WholeMedium.EraseAsync(device, this);

    // A record that stays would sanitize the medium again one day, with whatever is on it then: while it stays nothing is written.
    protected override ValueTask<bool> TryEndAsync() => keeper?.TryKeepAsync(null) ?? new(true);
}

using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Operations;

/// <summary>FORMAT UNIT: every block holds the initialization pattern afterwards; zeros hold no space.</summary>
/// <param name="shape">The medium's.</param>
/// <param name="pattern">The initialization pattern, or null for zeros.</param>
internal sealed class FormatOperation(BlockDeviceShape shape, BlockPattern? pattern) : UnitOperation(WholeMedium.BytesOf(shape))
{
    // A format that failed leaves a medium like any other: its content is no secret, and every block can be read and written.
    protected override bool LocksAfterFailure => false;

    public override bool MayFollow(UnitOperation? before) => before is null;

    protected override SenseData InProgress(ushort progress) => SenseData.FormatInProgress(progress);

    protected override Task WorkAsync(IBlockDevice device) =>
        pattern is { IsZero: false } ? pattern.WriteEverywhereAsync(device, this) : WholeMedium.EraseAsync(device, this);
}

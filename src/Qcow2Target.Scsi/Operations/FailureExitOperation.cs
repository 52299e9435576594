using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Operations;

/// <summary>SANITIZE: EXIT FAILURE MODE of a sanitize operation that allows it: the medium is given back once nothing of it is on record.</summary>
internal sealed class FailureExitOperation(ISanitizeKeeper? keeper) : UnitOperation(0)
{
    public override FailureExit Exit => FailureExit.Allowed;

    protected override bool LocksAfterFailure => true;

    public override bool MayFollow(UnitOperation? before) => before is { HasFailed: true, Exit: FailureExit.Allowed };

    protected override SenseData InProgress(ushort progress) => SenseData.SanitizeInProgress(progress);

    protected override Task WorkAsync(IBlockDevice device) => Task.CompletedTask;

    protected override ValueTask<bool> TryEndAsync() => keeper?.TryKeepAsync(null) ?? new(true);
}

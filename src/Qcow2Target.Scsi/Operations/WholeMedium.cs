using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Operations;

/// <summary>When a command that begins an operation has its status (IMMED).</summary>
internal enum StatusTime
{
    AtTheEnd,

    /// <summary>As soon as the operation has begun.</summary>
    AtTheBeginning,
}

/// <summary>Runs an operation on the whole medium, and what operations do to it.</summary>
internal static class WholeMedium
{
    public static long BytesOf(BlockDeviceShape shape) => shape.Blocks * shape.BlockBytes;

    /// <summary>Takes the medium, lets the writes end that are under way, and does the operation, which nothing ends but the disk's own fault.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="operation">The operation.</param>
    /// <param name="status">What the command waits for.</param>
    /// <param name="cancellationToken">Ends the wait, not the operation.</param>
    public static async ValueTask<ScsiOutcome> RunAsync(LogicalUnit unit, UnitOperation operation, StatusTime status, CancellationToken cancellationToken)
    {
        if (!unit.Medium.TryTake(operation, out UnitOperation? before))
            return unit.Check(before?.Sense ?? SenseData.BecomingReady);   // another one was quicker
        operation.Start(unit, before);
        Task<ScsiOutcome> awaited = status == StatusTime.AtTheEnd ? operation.Completion : operation.Begun;
        return await awaited.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Zeros everywhere, and no space held.</summary>
    public static async Task EraseAsync(IBlockDevice device, UnitOperation operation)
    {
        long capacity = BytesOf(device.Shape);
        for (long offset = 0; offset < capacity; offset += ScsiLimits.ZeroStepBytes)
        {
            long length = Math.Min(ScsiLimits.ZeroStepBytes, capacity - offset);
            long at = offset;
            await operation.WriteAsync(length, () => device.ZeroAsync(at, length, ZeroMode.FreeSpace)).ConfigureAwait(false);
        }

        await device.FlushAsync().ConfigureAwait(false);
    }
}

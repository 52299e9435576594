using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi;

/// <summary>Runs work on the whole medium beside the commands.</summary>
internal static class WholeMedium
{
    private const long EraseStepBytes = 64 << 20;

    /// <summary>
    /// Takes the unit, lets the writes end that are under way, and does <paramref name="work"/>, which nothing ends but the disk's own fault.
    /// </summary>
    /// <param name="unit">The unit.</param>
    /// <param name="kind">What commands are told meanwhile.</param>
    /// <param name="exit">What ends its failure.</param>
    /// <param name="passes">How often the medium is gone over.</param>
    /// <param name="work">The work, with the device that nobody else writes.</param>
    /// <param name="waiting">Ends the wait for it, not the work; null to answer as soon as it has begun (IMMED).</param>
    public static async ValueTask<ScsiOutcome> RunAsync(
        LogicalUnit unit, UnitOperationKind kind, FailureExit exit, int passes, Func<IBlockDevice, UnitOperation, Task> work, CancellationToken? waiting)
    {
        BlockDeviceShape shape = unit.Device.Shape;
        var operation = new UnitOperation(kind, exit, shape.Blocks * shape.BlockBytes * passes);
        if (!unit.Medium.TryTake(operation))
            return unit.Check(unit.Medium.Operation?.Sense ?? SenseData.BecomingReady);   // another one was quicker
        operation.Completion = Task.Run(() => DoAsync(unit, operation, work));
        return waiting is { } cancellationToken
            ? await operation.Completion.WaitAsync(cancellationToken).ConfigureAwait(false)
            : ScsiOutcome.Good;
    }

    /// <summary>Zeros everywhere, and no space held.</summary>
    public static async Task EraseAsync(IBlockDevice device, UnitOperation operation)
    {
        long capacity = device.Shape.Blocks * device.Shape.BlockBytes;
        for (long offset = 0; offset < capacity; offset += EraseStepBytes)
        {
            long length = Math.Min(EraseStepBytes, capacity - offset);
            await device.ZeroAsync(offset, length, ZeroMode.FreeSpace).ConfigureAwait(false);
            operation.Advance(length);
        }

        await device.FlushAsync().ConfigureAwait(false);
    }

    private static async Task<ScsiOutcome> DoAsync(LogicalUnit unit, UnitOperation operation, Func<IBlockDevice, UnitOperation, Task> work)
    {
        try
        {
            await unit.Medium.DrainAsync().ConfigureAwait(false);
            await work(unit.Device, operation).ConfigureAwait(false);
            unit.Medium.Release(operation);
            return ScsiOutcome.Good;
        }
        catch (BlockDeviceException fault)
        {
            // A sanitize that failed keeps everybody out; a format that failed leaves a medium like any other.
            if (operation.Kind == UnitOperationKind.Sanitize)
                operation.Fail();
            else
                unit.Medium.Release(operation);
            return unit.OutcomeOf(fault);
        }
    }
}

using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Operations;

/// <summary>Work on the whole medium, which no abort and no reset ends. While it runs commands learn how far it has come.</summary>
/// <param name="totalBytes">What the writes come to at the end.</param>
internal abstract class UnitOperation(long totalBytes)
{
    private readonly TaskCompletionSource<ScsiOutcome> _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _doneBytes;
    private volatile bool _failed;

    /// <summary>A sanitize that failed: nobody gets at the data until another one succeeds (SBC-3 4.11.3).</summary>
    public bool HasFailed => _failed;

    /// <summary>What ends its failure.</summary>
    public virtual FailureExit Exit => FailureExit.OnlyBySanitizing;

    /// <summary>Ends when the medium's content begins to go (GOOD), or with why it does not.</summary>
    public Task<ScsiOutcome> Begun => _begun.Task;

    /// <summary>Ends with the operation.</summary>
    public Task<ScsiOutcome> Completion { get; private set; } = Task.FromResult(ScsiOutcome.Good);

    /// <summary>What commands are told.</summary>
    public SenseData Sense => _failed ? SenseData.SanitizeFailed : InProgress(Progress);

    /// <summary>In 65536ths.</summary>
    private ushort Progress => (ushort)Math.Min(ushort.MaxValue, Interlocked.Read(ref _doneBytes) / Math.Max(1, totalBytes >> 16));

    /// <summary>Whether it may begin where <paramref name="before"/> has the medium, or nothing has (null).</summary>
    public abstract bool MayFollow(UnitOperation? before);

    /// <summary>The medium is this operation's: does it beside the commands.</summary>
    /// <param name="unit">Whose medium it is.</param>
    /// <param name="before">What had the medium, and gets it back where the operation cannot begin.</param>
    public void Start(LogicalUnit unit, UnitOperation? before) => Completion = Task.Run(() => DoAsync(unit, before));

    /// <summary>
    /// Writes a piece of the medium. A fence only holds it up: it is there for commands that were ended, and no abort and no reset ends an operation.
    /// </summary>
    /// <param name="bytes">How far that brings the operation.</param>
    /// <param name="write">The write; asked again until no fence is in its way.</param>
    public async ValueTask WriteAsync(long bytes, Func<ValueTask> write)
    {
        while (!await TryPassAsync(write).ConfigureAwait(false))
            await Task.Delay(ScsiLimits.FenceLook).ConfigureAwait(false);
        Interlocked.Add(ref _doneBytes, bytes);
    }

    public void Fail() => _failed = true;

    protected abstract SenseData InProgress(ushort progress);

    /// <summary>What a failure leaves: a medium that nobody gets at, or one like any other.</summary>
    protected abstract bool LocksAfterFailure { get; }

    /// <summary>Before the first byte is changed. False: it must not begin.</summary>
    protected virtual ValueTask<bool> TryBeginAsync() => new(true);

    /// <summary>After the last byte. False: it has failed.</summary>
    protected virtual ValueTask<bool> TryEndAsync() => new(true);

    /// <summary>The work, with the device that nobody else writes.</summary>
    protected abstract Task WorkAsync(IBlockDevice device);

    private async Task<ScsiOutcome> DoAsync(LogicalUnit unit, UnitOperation? before)
    {
        if (!await TryBeginAsync().ConfigureAwait(false))
        {
            unit.Medium.Replace(this, before);
            ScsiOutcome refused = unit.Check(SenseData.InternalTargetFailure);
            _begun.SetResult(refused);
            return refused;
        }

        _begun.SetResult(ScsiOutcome.Good);
        ScsiOutcome outcome = await WorkToTheEndAsync(unit).ConfigureAwait(false);
        if (outcome.Status != ScsiStatus.Good && LocksAfterFailure)
            Fail();
        else
            unit.Medium.Replace(this, null);
        return outcome;
    }

    private static async ValueTask<bool> TryPassAsync(Func<ValueTask> write)
    {
        try
        {
            await write().ConfigureAwait(false);
            return true;
        }
        catch (BlockDeviceException fault) when (fault.Fault == BlockDeviceFault.Fenced)
        {
            return false;
        }
    }

    private async Task<ScsiOutcome> WorkToTheEndAsync(LogicalUnit unit)
    {
        try
        {
            await unit.Medium.DrainAsync().ConfigureAwait(false);
            await WorkAsync(unit.Device).ConfigureAwait(false);
            return await TryEndAsync().ConfigureAwait(false) ? ScsiOutcome.Good : unit.Check(SenseData.InternalTargetFailure);
        }
        catch (BlockDeviceException fault)
        {
            return unit.OutcomeOf(fault);
        }
    }
}

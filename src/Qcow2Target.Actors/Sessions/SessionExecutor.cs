using Qcow2Target.Iscsi.Sessions;
using Qcow2Target.Scsi;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Actors.Sessions;

/// <summary>
/// Puts a session's commands to the logical units: reads the target's LUN map once for each command and carries the plan on the task.
/// Nothing is allocated for a READ or WRITE that need not wait. An ORDERED command begins when those before it have ended, and none behind it
/// begins before it has (SAM-5 8.6.3); what other nexuses have under way needs no looking at, for nobody can tell in which order it came.
/// </summary>
internal sealed class SessionExecutor(Published<LunMap> luns, ItNexus nexus, ISessionFaults faults) : ICommandExecutor
{
    private readonly Lock _gate = new();
    private readonly Stack<CommandState> _free = new();
    private readonly List<CommandState> _all = [];
    private long _lastNumber;   // changed under the gate
    private int _ordered;       // ORDERED commands under way; changed under the gate

    public void Begin(ScsiTask task)
    {
        var plan = luns.Value.Begin(task.Lun, task.Cdb, nexus, task.IsWrite ? task.ExpectedDataTransferLength : 0);
        if (plan.Kind == PlanKind.Complete && task.Attribute != TaskAttribute.Ordered)
        {
            Complete(task, plan.Outcome!);
            return;
        }
        task.Context = Enter(task, plan);
        switch (plan.Kind)
        {
            case PlanKind.Complete:
                task.ExpectParameters(0);   // its answer has its turn too
                break;
            case PlanKind.Read:
                task.ExpectRead(plan.Length);
                break;
            case PlanKind.Write:
                task.ExpectWrite(plan.Length);
                break;
            default:
                task.ExpectParameters((int)plan.Length);
                break;
        }
    }

    public bool TryRead(ScsiTask task, long position, Span<byte> destination) =>
        StateOf(task) is { MustWait: false } state && state.Plan.TryRead(position, destination);

    public void StartRead(ScsiTask task, DataInBuffer destination) => _ = ReadAsync(task, destination);

    public bool TryWrite(ScsiTask task, long position, ReadOnlySpan<byte> source) =>
        StateOf(task) is { MustWait: false } state && state.Plan.TryWrite(position, source);

    public void StartWrite(ScsiTask task, DataOutBuffer source) => _ = WriteAsync(task, source);

    public void FinishWrite(ScsiTask task)
    {
        var state = StateOf(task);
        var finish = state.MustWait ? FinishInTurnAsync(state) : FinishAsync(task, state.Plan);
        if (finish.IsCompletedSuccessfully)
            Complete(task, finish.Result);
        else
            _ = AwaitFinishAsync(task, finish);
    }

    public void Execute(ScsiTask task, ReadOnlyMemory<byte> parameters) => _ = ExecuteAsync(task, parameters);

    public bool WantsDescriptorSense(ScsiTask task) => luns.Value.SenseFormatOf(task.Lun) == SenseFormat.Descriptor;

    public void Manage(TaskManagementRequest request) => faults.TaskManagementRequested(request);

    public void Ended(ScsiTask task)
    {
        if (task.Context is not CommandState state)
            return;
        lock (_gate)
        {
            var mayOpen = _ordered > 0;
            if (task.Attribute == TaskAttribute.Ordered)
                _ordered--;
            state.Clear();
            _free.Push(state);
            if (mayOpen)
                Admit();
        }
    }

    /// <summary>Ends the slow work of tasks that were aborted, at its next piece, and their waits for space.</summary>
    public void CancelAborted()
    {
        CommandState[] states;
        lock (_gate)
            states = [.. _all];
        foreach (var state in states)
            state.CancelIfAborted();
    }

    private static CommandState StateOf(ScsiTask task) => (CommandState)task.Context!;

    private static void Complete(ScsiTask task, ScsiOutcome outcome) =>
        task.Complete((byte)outcome.Status, outcome.Sense.Span, outcome.DataIn.Span);

    private static ValueTask<ScsiOutcome> FinishAsync(ScsiTask task, CommandPlan plan) =>
        plan.FinishAsync(LengthOf(task, plan));

    private static long LengthOf(ScsiTask task, CommandPlan plan) => Math.Min(task.ExpectedDataTransferLength, plan.Length);

    /// <summary>Takes a command up, behind those that were taken up before.</summary>
    private CommandState Enter(ScsiTask task, CommandPlan plan)
    {
        lock (_gate)
        {
            if (!_free.TryPop(out var state))
            {
                state = new CommandState();
                _all.Add(state);
            }
            state.Plan = plan;
            state.Number = ++_lastNumber;
            state.Task = task;
            if (task.Attribute == TaskAttribute.Ordered)
                _ordered++;
            if (_ordered > 0 && IsBehind(state))
                state.Turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return state;
        }
    }

    /// <summary>Under the gate: those whose turn it is now.</summary>
    private void Admit()
    {
        foreach (var waiting in _all)
        {
            if (waiting.MustWait && !IsBehind(waiting))
                waiting.Turn!.SetResult();
        }
    }

    /// <summary>Under the gate: whether one of the two sides of an older command under way on the same LUN asks for order. HEAD OF QUEUE waits for nobody.</summary>
    private bool IsBehind(CommandState state)
    {
        var task = state.Task!;
        return task.Attribute != TaskAttribute.HeadOfQueue && _all.Exists(other =>
            other.Number < state.Number && other.Task is { } older && other.Plan.Unit == state.Plan.Unit
            && (task.Attribute == TaskAttribute.Ordered || older.Attribute == TaskAttribute.Ordered));
    }

    /// <summary>Waits until it is this command's turn. Null: it is; else how the command ends.</summary>
    private static async ValueTask<ScsiOutcome?> AwaitTurnAsync(CommandState state)
    {
        if (state.Turn is not { } turn)
            return null;
        try
        {
            var giveUp = state.Cancellation;
            state.CancelIfAborted();   // for an abort that came before there was anything to cancel
            await turn.Task.WaitAsync(ActorLimits.OrderPatience, giveUp).ConfigureAwait(false);
            return null;
        }
        catch (TimeoutException)
        {
            return ScsiOutcome.TaskSetFull;
        }
        catch (OperationCanceledException)
        {
            return ScsiOutcome.Busy;   // the task was aborted: no status is sent
        }
    }

    private static async ValueTask<ScsiOutcome> FinishInTurnAsync(CommandState state)
    {
        // An abort may end the task, and its state be another command's, before the turn comes.
        var plan = state.Plan;
        var length = LengthOf(state.Task!, plan);
        return await AwaitTurnAsync(state).ConfigureAwait(false) ?? await plan.FinishAsync(length).ConfigureAwait(false);
    }

    private async Task ReadAsync(ScsiTask task, DataInBuffer buffer)
    {
        var state = StateOf(task);
        var plan = state.Plan;
        var outcome = ScsiOutcome.Good;
        try
        {
            if (state.MustWait)
                outcome = await AwaitTurnAsync(state).ConfigureAwait(false) ?? outcome;
            var position = buffer.Position;
            for (var i = 0; i < buffer.SegmentCount && outcome.Status == ScsiStatus.Good; i++)
            {
                var segment = buffer.Segment(i);
                outcome = await plan.ReadAsync(position, segment).ConfigureAwait(false);
                position += segment.Length;
            }
        }
        catch (Exception e) when (Report(e))
        {
            outcome = Bug(plan);
        }
        if (outcome.Status == ScsiStatus.Good)
            task.ReadDone(buffer);
        else
            task.ReadFailed(buffer, (byte)outcome.Status, outcome.Sense.Span);
    }

    private async Task WriteAsync(ScsiTask task, DataOutBuffer buffer)
    {
        var state = StateOf(task);
        var plan = state.Plan;
        var giveUp = state.Cancellation;
        state.CancelIfAborted();   // for an abort that came before there was anything to cancel
        ScsiOutcome outcome;
        try
        {
            var turnedAway = state.MustWait ? await AwaitTurnAsync(state).ConfigureAwait(false) : null;
            outcome = turnedAway ?? await plan.WriteAsync(buffer.Position, buffer.Bytes, giveUp).ConfigureAwait(false);
        }
        catch (Exception e) when (Report(e))
        {
            outcome = Bug(plan);
        }
        if (outcome.Status == ScsiStatus.Good)
            task.WriteDone(buffer);
        else
            task.WriteFailed(buffer, (byte)outcome.Status, outcome.Sense.Span);
    }

    /// <summary>What was to be written is, and a flush or a look at it loses nobody's later write: an abort ends the wait at once, and the rest goes on by itself.</summary>
    private async Task AwaitFinishAsync(ScsiTask task, ValueTask<ScsiOutcome> finish)
    {
        var state = StateOf(task);
        var plan = state.Plan;
        var giveUp = state.Cancellation;
        state.CancelIfAborted();   // for an abort that came before there was anything to cancel
        ScsiOutcome outcome;
        try
        {
            outcome = await finish.AsTask().WaitAsync(giveUp).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (giveUp.IsCancellationRequested)
        {
            outcome = ScsiOutcome.Busy;   // the task was aborted: no status is sent
        }
        catch (Exception e) when (Report(e))
        {
            outcome = Bug(plan);
        }
        Complete(task, outcome);
    }

    private async Task ExecuteAsync(ScsiTask task, ReadOnlyMemory<byte> parameters)
    {
        var state = StateOf(task);
        var plan = state.Plan;
        var cancellation = state.Cancellation;
        state.CancelIfAborted();   // for an abort that came before there was anything to cancel
        ScsiOutcome outcome;
        try
        {
            var turnedAway = state.MustWait ? await AwaitTurnAsync(state).ConfigureAwait(false) : null;
            outcome = turnedAway ?? plan.Outcome ?? await plan.ExecuteAsync(parameters, cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            outcome = ScsiOutcome.Busy;   // the task was aborted: no status is sent
        }
        catch (Exception e) when (Report(e))
        {
            outcome = Bug(plan);
        }
        Complete(task, outcome);
    }

    /// <summary>A bug of ours under a command must end that command, not the process, and must be seen.</summary>
    private bool Report(Exception e)
    {
        faults.ExecutorFailed(e);
        return true;
    }

    private static ScsiOutcome Bug(CommandPlan plan) =>
        plan.Unit is { } unit ? unit.OutcomeOf(new BlockDeviceException(BlockDeviceFault.Corrupt, "internal fault")) : ScsiOutcome.Busy;
}

/// <summary>What the executor passes on to the session.</summary>
internal interface ISessionFaults
{
    void TaskManagementRequested(TaskManagementRequest request);

    void ExecutorFailed(Exception cause);
}

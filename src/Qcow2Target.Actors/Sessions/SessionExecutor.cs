using Qcow2Target.Iscsi.Sessions;
using Qcow2Target.Scsi;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Actors.Sessions;

/// <summary>
/// Puts a session's commands to the logical units: reads the target's LUN map once for each command and carries the plan on the task.
/// Nothing is allocated for a READ or WRITE that need not wait.
/// </summary>
internal sealed class SessionExecutor(Published<LunMap> luns, ItNexus nexus, ISessionFaults faults) : ICommandExecutor
{
    private readonly Lock _gate = new();
    private readonly Stack<CommandState> _free = new();
    private readonly List<CommandState> _all = [];

    public void Begin(ScsiTask task)
    {
        var plan = luns.Value.Begin(task.Lun, task.Cdb, nexus, task.IsWrite ? task.ExpectedDataTransferLength : 0);
        if (plan.Kind == PlanKind.Complete)
        {
            var outcome = plan.Outcome!;
            task.Complete((byte)outcome.Status, outcome.Sense.Span, outcome.DataIn.Span);
            return;
        }
        var state = Rent();
        state.Plan = plan;
        state.Task = task;
        task.Context = state;
        switch (plan.Kind)
        {
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

    public bool TryRead(ScsiTask task, long position, Span<byte> destination) => StateOf(task).Plan.TryRead(position, destination);

    public void StartRead(ScsiTask task, DataInBuffer destination) => _ = ReadAsync(task, destination);

    public bool TryWrite(ScsiTask task, long position, ReadOnlySpan<byte> source) => StateOf(task).Plan.TryWrite(position, source);

    public void StartWrite(ScsiTask task, DataOutBuffer source) => _ = WriteAsync(task, source);

    public void FinishWrite(ScsiTask task)
    {
        var plan = StateOf(task).Plan;
        var finish = plan.FinishAsync(Math.Min(task.ExpectedDataTransferLength, plan.Length));
        if (finish.IsCompletedSuccessfully)
            Complete(task, finish.Result);
        else
            _ = FinishAsync(task, finish);
    }

    public void Execute(ScsiTask task, ReadOnlyMemory<byte> parameters) => _ = ExecuteAsync(task, parameters);

    public bool WantsDescriptorSense(ScsiTask task) => luns.Value.SenseFormatOf(task.Lun) == SenseFormat.Descriptor;

    public void Manage(TaskManagementRequest request) => faults.TaskManagementRequested(request);

    public void Ended(ScsiTask task)
    {
        if (task.Context is not CommandState state)
            return;
        state.Clear();
        lock (_gate)
            _free.Push(state);
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

    private CommandState Rent()
    {
        lock (_gate)
        {
            if (_free.TryPop(out var free))
                return free;
            var state = new CommandState();
            _all.Add(state);
            return state;
        }
    }

    private async Task ReadAsync(ScsiTask task, DataInBuffer buffer)
    {
        var plan = StateOf(task).Plan;
        var outcome = ScsiOutcome.Good;
        try
        {
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
            outcome = await plan.WriteAsync(buffer.Position, buffer.Bytes, giveUp).ConfigureAwait(false);
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

    private async Task FinishAsync(ScsiTask task, ValueTask<ScsiOutcome> finish)
    {
        var plan = StateOf(task).Plan;
        ScsiOutcome outcome;
        try
        {
            outcome = await finish.ConfigureAwait(false);
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
            outcome = await plan.ExecuteAsync(parameters, cancellation).ConfigureAwait(false);
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

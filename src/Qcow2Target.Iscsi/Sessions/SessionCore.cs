using Qcow2Target.Iscsi.Buffers;
using Qcow2Target.Iscsi.Framing;
using Qcow2Target.Iscsi.Login;
using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Iscsi.Sequencing;

namespace Qcow2Target.Iscsi.Sessions;

/// <summary>
/// What the parts of a session's machine share: the gate and all that it guards, and the life of a task in many hands.
/// <para>The gate is held for moments, never while the executor or the owner is called.</para>
/// </summary>
internal sealed class SessionCore
{
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ISessionEvents _events;
    private readonly Queue<ScsiTask> _parked = new();
    private readonly Queue<TaskManagementResponsePdu> _behindBatch = new();
    private int _connectionThread;
    private bool _isFilling;
    private volatile bool _isClosed;
    private int _slowReadBytes;

    public SessionCore(SessionParameters parameters, ICommandExecutor executor, ISessionEvents events, BufferPool pool)
    {
        Parameters = parameters;
        Executor = executor;
        _events = events;
        Pool = pool;
        WriteMemory = new WriteMemory(pool);
        Digests = new DigestUse(parameters.HeaderDigest, parameters.DataDigest);
        Shape = new DataInShape(parameters.PeerMaxRecvDataSegmentLength, parameters.MaxBurstLength);
        Window = new CommandWindow(parameters.ExpCmdSn, IscsiLimits.MaxTasks);
        Outbox = new Outbox(parameters, Window, pool);
        Tasks = new TaskTable(this);
        Batch = new AnswerBatch(this);
        Responder = new Responder(this);
        Reads = new ReadPath(this);
        Writes = new WritePath(this);
    }

    /// <summary>Guards <see cref="Window"/>, <see cref="Outbox"/>, <see cref="Tasks"/>, the parked tasks and the state of every task.</summary>
    public Lock Gate { get; } = new();

    public SessionParameters Parameters { get; }

    public ICommandExecutor Executor { get; }

    public BufferPool Pool { get; }

    public WriteMemory WriteMemory { get; }

    public DigestUse Digests { get; }

    public CommandWindow Window { get; }

    public Outbox Outbox { get; }

    public TaskTable Tasks { get; }

    /// <summary>The connection's thread only.</summary>
    public AnswerBatch Batch { get; }

    public Responder Responder { get; }

    public ReadPath Reads { get; }

    public WritePath Writes { get; }

    /// <summary>Changes when the initiator declares its MaxRecvDataSegmentLength anew.</summary>
    public DataInShape Shape { get; set; }

    public Task Completion => _completion.Task;

    public bool IsClosed => _isClosed;

    /// <summary>True on the connection's thread while it is inside the machine, so that <see cref="Batch"/> may be used. Not while a reserved place is being filled.</summary>
    public bool MayUseBatch => _connectionThread == Environment.CurrentManagedThreadId && !_isFilling;

    /// <summary>Reads have to wait.</summary>
    public bool IsOutputFull
        => Outbox.UnsentBytes + (MayUseBatch ? Batch.PendingBytes : 0) >= IscsiLimits.MaxUnsentBytes
            || Volatile.Read(ref _slowReadBytes) >= (Pool.IsScarce ? IscsiLimits.ScarceSlowReadBytes : IscsiLimits.MaxSlowReadBytes);

    public int ParkedCount
    {
        get
        {
            lock (Gate) return _parked.Count;
        }
    }

    /// <summary>True where a parked task would not only be parked again.</summary>
    public bool MayUnpark
    {
        get
        {
            lock (Gate)
            {
                foreach (var task in _parked)
                {
                    if (task.Plan == TaskPlan.Read ? !IsOutputFull : task.HasHeld || !WriteMemory.IsFull) return true;
                }

                return false;
            }
        }
    }

    /// <summary>The connection's thread enters the machine.</summary>
    public void Enter()
    {
        _connectionThread = Environment.CurrentManagedThreadId;
        Batch.Begin();
    }

    /// <summary>It leaves: all that it laid out is queued.</summary>
    public void Exit()
    {
        Batch.End();
        lock (Gate)
        {
            _connectionThread = 0;
            while (_behindBatch.TryDequeue(out var response)) Outbox.Put(response, []);
        }
    }

    /// <summary>
    /// Queues the response of a task management function. A task that the function found answered may have its answer in the batch still, without a number:
    /// that goes out first (RFC 7143 4.2.3.3: no response to a task follows that of the function which ended it).
    /// </summary>
    public void PutBehindBatch(in TaskManagementResponsePdu response)
    {
        lock (Gate)
        {
            if (_connectionThread != 0 && _connectionThread != Environment.CurrentManagedThreadId)
            {
                _behindBatch.Enqueue(response);
                return;
            }

            Outbox.Put(response, []);
        }

        RaiseOutputReady();
    }

    /// <summary>Lets the executor fill a place that was reserved in the batch.</summary>
    public bool Fill(ScsiTask task, long position, Span<byte> place)
    {
        _isFilling = true;
        try
        {
            return Executor.TryRead(task, position, place);
        }
        finally
        {
            _isFilling = false;
        }
    }

    /// <summary>Tells the owner, unless it is the owner who is calling and looks for output anyway.</summary>
    public void RaiseOutputReady()
    {
        if (!MayUseBatch) _events.OutputReady();
    }

    /// <summary>Takes an alive task in hand. Null where there is none with that tag.</summary>
    public ScsiTask? TakeInHand(uint initiatorTaskTag, out bool wasRecent)
    {
        lock (Gate)
        {
            var task = Tasks.Find(initiatorTaskTag);
            wasRecent = task is null && Tasks.WasRecent(initiatorTaskTag);
            if (task is not null) task.Operations++;
            return task;
        }
    }

    /// <summary>Lets a task out of hand.</summary>
    public void Leave(ScsiTask task)
    {
        Followup followup;
        lock (Gate)
        {
            task.Operations--;
            followup = Settle(task);
        }

        Act(task, followup);
    }

    /// <summary>No more data will be handled; lets the task out of hand.</summary>
    public void CloseInput(ScsiTask task)
    {
        Followup followup;
        lock (Gate)
        {
            task.IsInputClosed = true;
            task.Operations--;
            followup = Settle(task);
        }

        Act(task, followup);
    }

    /// <summary>Its status is about to be laid out. False: it was aborted, lay out nothing.</summary>
    public bool TryAnswer(ScsiTask task)
    {
        lock (Gate) return TryAnswerGated(task);
    }

    /// <summary>The same under the gate.</summary>
    public bool TryAnswerGated(ScsiTask task)
    {
        if (task.State != TaskState.Active) return false;
        task.State = TaskState.Answered;
        Tasks.Remove(task);
        if (!task.IsImmediate) Window.FreeSlot();
        return true;
    }

    /// <summary>Under the gate: what follows after an operation has returned.</summary>
    public static Followup Settle(ScsiTask task)
    {
        switch (task.State)
        {
            case TaskState.Active when task.Operations == 0 && task.IsInputClosed:
                task.Operations = 1;
                return Followup.Proceed;
            case TaskState.Active:
                return Followup.None;
            case TaskState.Aborted when task.Operations == task.HarmlessOperations && task.Waiters is { Count: > 0 } waiters:
                foreach (var waiter in waiters) waiter.OneIsQuiet();
                waiters.Clear();
                break;
        }

        return task.Operations == 0 ? Followup.End : Followup.None;
    }

    /// <summary>Outside the gate.</summary>
    public void Act(ScsiTask task, Followup followup)
    {
        switch (followup)
        {
            case Followup.Proceed when task.HasHeld:
                Responder.RespondHeld(task);
                Leave(task);
                break;
            case Followup.Proceed:
                Writes.Finish(task);
                break;
            case Followup.End:
                End(task);
                break;
        }
    }

    public void Hold(ScsiTask task, byte status, ReadOnlySpan<byte> sense)
    {
        lock (Gate) task.Hold(status, sense);
    }

    /// <summary>CHECK CONDITION with what the transport found, in the format that the logical unit is set to.</summary>
    public void HoldCheck(ScsiTask task, SenseData sense) => Hold(task, SenseData.CheckCondition, sense.Encode(Executor.WantsDescriptorSense(task)));

    /// <summary>Leaves a task, whose operation the caller holds, to <see cref="TryUnpark"/>.</summary>
    public void Park(ScsiTask task)
    {
        lock (Gate)
        {
            if (task.State == TaskState.Active)
            {
                task.IsParked = true;
                task.HarmlessOperations++;
                _parked.Enqueue(task);
                return;
            }
        }

        Leave(task);
    }

    /// <summary>The operation that the caller holds touches only our memory from now on. False: the task is aborted.</summary>
    public bool TryMakeHarmless(ScsiTask task)
    {
        lock (Gate)
        {
            if (task.State != TaskState.Active) return false;
            task.HarmlessOperations++;
            return true;
        }
    }

    /// <summary>The longest parked task, whose operation the caller holds from now on.</summary>
    public ScsiTask? TryUnpark()
    {
        lock (Gate)
        {
            if (!_parked.TryDequeue(out var task)) return null;
            Unpark(task);
            return task;
        }
    }

    public void CountSlowRead(int bytes) => Interlocked.Add(ref _slowReadBytes, bytes);

    public AbortResult Abort(TaskFilter filter)
    {
        var waiter = new AbortWaiter();
        var ended = new List<ScsiTask>();
        int count;
        lock (Gate)
        {
            count = Tasks.Abort(filter, waiter, ended);
            DropParked(ended);
        }

        foreach (var task in ended) End(task);
        lock (Gate) return new AbortResult(count, waiter.Quiet);
    }

    public void Close()
    {
        lock (Gate)
        {
            if (_isClosed) return;
            _isClosed = true;
            Outbox.Drop();
        }

        Abort(TaskFilter.All);
        lock (Gate) CompleteIfQuiet();
    }

    // Nobody has the task in hand: the executor forgets it, then the object is free.
    private void End(ScsiTask task)
    {
        if (task.HasBegun) Executor.Ended(task);
        var heldMuch = task.HeldBytes > 0;
        task.Clear();
        var mustTell = false;
        lock (Gate)
        {
            // An answered task gave its slot back before its status was stamped. This one says nothing: somebody may wait for the window.
            if (task.State == TaskState.Aborted && !task.IsImmediate)
            {
                Window.FreeSlot();
                if (Window.MustReopen && !Outbox.IsSealed)
                {
                    Outbox.Put(new NopInPdu { InitiatorTaskTag = BasicHeader.NoTag, TargetTransferTag = BasicHeader.NoTag }, []);
                    mustTell = true;
                }
            }

            mustTell |= heldMuch && _parked.Count > 0;
            Tasks.Recycle(task);
            CompleteIfQuiet();
        }

        if (mustTell) RaiseOutputReady();
    }

    private void DropParked(List<ScsiTask> ended)
    {
        for (var left = _parked.Count; left > 0; left--)
        {
            var task = _parked.Dequeue();
            if (task.State == TaskState.Active)
            {
                _parked.Enqueue(task);
                continue;
            }

            Unpark(task);
            task.Operations--;
            if (Settle(task) == Followup.End) ended.Add(task);
        }
    }

    private static void Unpark(ScsiTask task)
    {
        task.IsParked = false;
        task.HarmlessOperations--;
    }

    private void CompleteIfQuiet()
    {
        if (_isClosed && Tasks.InHandCount == 0) _completion.TrySetResult();
    }
}

using Qcow2Target.Actors.Disks;
using Qcow2Target.Actors.Sessions;
using Qcow2Target.Actors.Targets.Work;

namespace Qcow2Target.Actors.Targets;

/// <summary>
/// One target: which disk is which LUN, which initiators are connected, who may come in. Commands about disks are done one after the
/// other, each with a deadline; what sessions need is answered in between.
/// <code>
/// Idle → Working | Saving → Idle        Idle → Working → Leaving (deleted)        Idle → Closing
/// </code>
/// What it works at is a <see cref="TargetWork"/>.
/// </summary>
public sealed class TargetActor : ReceiveActor, IWithStash, IWithTimers
{
    private readonly int _id;
    private readonly TargetName _name;
    private readonly TargetSettings _settings;
    private readonly Published<AccessRules> _access;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly LunTable _luns;
    private readonly TargetSessions _sessions;
    private readonly TargetDisks _disks;
    private readonly LunSaves _saves;
    private TargetWork? _work;

    public TargetActor(
        int id, TargetName name, Guid daemonId, TargetSettings settings, TargetServices services, Published<AccessRules> access,
        UnfinishedSanitizes sanitizes, Published<TargetView> view)
    {
        _id = id;
        _name = name;
        _settings = settings;
        _access = access;
        _luns = new LunTable(name, daemonId, Self, Context.Parent, sanitizes);
        _saves = new LunSaves(id, Context.Parent, _luns);
        View = view;
        _sessions = new TargetSessions(Context, name, _luns, settings, services, access, Publish);
        _disks = new TargetDisks(Context, name, _luns, _saves, _sessions.Nexuses, settings, services, Publish);
        Idle();
    }

    public IStash Stash { get; set; } = null!;

    public ITimerScheduler Timers { get; set; } = null!;

    private Published<TargetView> View { get; }

    public static Props PropsFor(
        int id, TargetName name, Guid daemonId, TargetSettings settings, TargetServices services, Published<AccessRules> access,
        UnfinishedSanitizes sanitizes, Published<TargetView> view) =>
        Props.Create(() => new TargetActor(id, name, daemonId, settings, services, access, sanitizes, view));

    /// <summary>A disk begins again in Recovering, its sessions stay up; a session that is restarted ends itself.</summary>
    protected override SupervisorStrategy SupervisorStrategy() =>
        new OneForOneStrategy(cause => cause is ActorInitializationException ? Directive.Stop : Directive.Restart);

    protected override void PostStop()
    {
        _work?.Client?.Tell(Refusals.InternalFault("the target failed under the command"));
        foreach (var stashed in Stash.ClearStash())
            stashed.Sender.Tell(Refusals.InternalFault("the target failed before the command"));
        foreach (var session in _sessions.Nexuses.All)
            session.Io.Close("the target has ended");
        foreach (var lun in _luns.All)
            lun.Unit?.Retire();
    }

    private void Idle()
    {
        Receive<AttachDisk>(Attach);
        Receive<DetachDisk>(Detach);
        Receive<ResizeDisk>(Resize);
        Receive<CheckDisk>(Check);
        Receive<ClearTarget>(Clear);
        Receive<DeleteTarget>(Delete);
        Receive<RestoreLuns>(Restore);
        Receive<CloseTarget>(_ => Close());
        Common();
    }

    /// <summary>What is handled in every state: sessions, and disks that change by themselves.</summary>
    private void Common()
    {
        Receive<AdmitLogin>(_sessions.Admit);
        Receive<BeginSession>(_sessions.Begin);
        Receive<NexusEnded>(_sessions.End);
        Receive<NexusAnswers>(_sessions.Note);
        Receive<ResetLuns>(_sessions.Reset);
        Receive<ITargetSessionEvent>(_sessions.Take);
        Receive<DiskReadinessChanged>(_disks.ChangeReadiness);
        Receive<DiskOpened>(_disks.CameUp);
        Receive<DiskNotOpened>(_ => { });
        Receive<DiskGrown>(grown => _disks.Grown(grown.CapacityBytes));
        Receive<DiskNotGrown>(_ => { });
        Receive<DiskClosed>(_ => LateClosed());
        Receive<DiskDied>(died => throw new InvalidOperationException($"the actor of LUN {died.Lun} has ended: the target is built again from the state"));
        Receive<KeepReservations>(_saves.Keep);
        Receive<GiveUpReservations>(message => _saves.GiveUp(message.Request));
        Receive<AbortTasksOf>(_sessions.Abort);
        Receive<LunsSaved>(message => _saves.Saved(message.Number));
        Receive<LunsNotSaved>(message =>
        {
            _saves.NotSaved(message.Number, message.Reason);
            _log.Error("the state of {Target} is not saved: {Reason}", _name.Shown, message.Reason);
        });
        Receive<DeadlineTick>(_ => { });
    }

    /// <summary>Works until the answer is told; commands that come meanwhile wait.</summary>
    private void Carry(TargetWork work)
    {
        StartDeadline();
        GoOn(work);
    }

    private void GoOn(TargetWork work)
    {
        _work = work;
        Become(() => Working(work));
        Follow(work.Begin());
    }

    private void Working(TargetWork work)
    {
        Receive<DeadlineTick>(_ => Follow(work.MissDeadline()));
        Receive<object>(message =>
        {
            if (work.Take(message, Sender) is not { } step)
                return false;
            Follow(step);
            return true;
        });
        Busy();
    }

    private void Saving(long number, WorkStep.Save save)
    {
        Receive<LunsSaved>(_ => Follow(save.Saved()), message => message.Number == number);
        Receive<LunsNotSaved>(message => Follow(save.NotSaved(message.Reason)), message => message.Number == number);
        Busy();
    }

    private void Busy()
    {
        Receive<ITargetCommand>(_ => Stash.Stash());
        Receive<RestoreLuns>(_ => Stash.Stash());
        Receive<CloseTarget>(_ => Stash.Stash());
        Common();
    }

    private void Follow(WorkStep step)
    {
        switch (step)
        {
            case WorkStep.WaitAnew:
                StartDeadline();
                break;
            case WorkStep.Save save:
                var number = _saves.Begin(save.Changes);
                Become(() => Saving(number, save));
                break;
            case WorkStep.GoOn go:
                GoOn(go.Next);
                break;
            case WorkStep.Over over:
                if (over.Answer is { } answer)
                    _work!.Client!.Tell(answer);
                Finish(Idle);
                break;
            case WorkStep.Leave:
                Context.Parent.Tell(new TargetEmptied(_id, _work!.Client!));
                Finish(Leaving);
                break;
        }
    }

    private void Finish(Action next)
    {
        _work = null;
        Timers.Cancel(DeadlineTick.Instance);
        Become(next);
        Stash.UnstashAll();
    }

    private void StartDeadline() => Timers.StartSingleTimer(DeadlineTick.Instance, DeadlineTick.Instance, _settings.CommandDeadline);

    private void Publish() => View.Publish(new TargetView(_id, _name, _luns.View(), _sessions.Nexuses.View(_settings.PortalGroupTag), _access));

    private void Attach(AttachDisk command)
    {
        var client = Sender;
        if (command.Lun is { } wanted && _luns.Find(wanted) is not null)
        {
            client.Tell(Refusals.LogicalUnitExists(_name));
            return;
        }
        if (_luns.Count >= ActorLimits.LunsOfTarget || (command.Lun ?? _luns.LowestFree()) is not { } lun)
        {
            client.Tell(Refusals.TooManyLogicalUnits);
            return;
        }
        Carry(new AttachWork(command, lun, client, _luns, _disks, Publish));
    }

    private void Restore(RestoreLuns message) => Carry(new RestoreWork(message, Sender, _disks, Publish));

    // Check: the disk answers the client itself; commands that come meanwhile do not wait.

    private void Check(CheckDisk command)
    {
        if (FindReady(command.Lun) is { } entry)
            entry.Actor.Forward(new InspectDisk());
    }

    /// <summary>The LUN, if it is there and serves; else the sender is told why it is not.</summary>
    private LunEntry? FindReady(int lun)
    {
        if (_luns.Find(lun) is not { } entry)
            Sender.Tell(Refusals.LogicalUnitNotFound(_name));
        else if (entry.Readiness != DiskReadiness.Ready)
            Sender.Tell(Refusals.LogicalUnitNotReady(_name, entry.Reason ?? $"it is {entry.Readiness}"));
        else
            return entry;
        return null;
    }

    private void Resize(ResizeDisk command)
    {
        var client = Sender;
        if (FindReady(command.Lun) is not { } entry)
            return;
        if (command.Bytes < entry.CapacityBytes)
        {
            client.Tell(Refusals.CannotShrink(entry.Path, entry.CapacityBytes, command.Bytes));
            return;
        }
        Carry(new ResizeWork(entry, command.Bytes, client, _name, _disks));
    }

    private void Detach(DetachDisk command)
    {
        var client = Sender;
        if (_luns.Find(command.Lun) is not { } entry)
        {
            client.Tell(Refusals.LogicalUnitNotFound(_name));
            return;
        }
        CarryAlone(command.Initiators, client, () =>
        {
            // A disk that an earlier command gave up on may have closed while the sessions ended.
            IReadOnlyList<LunEntry> there = _luns.Find(command.Lun) == entry ? [entry] : [];
            return new TakeOutWork(there, command.Unflushed, client, _disks, _ => new DiskDetached(entry.Path));
        });
    }

    private void Clear(ClearTarget command)
    {
        if (_sessions.Nexuses.HasConnections && command.Initiators == ConnectedInitiators.Refuse)
        {
            Sender.Tell(Refusals.HasActiveConnection(_name));
            return;
        }
        var client = Sender;
        CarryAlone(command.Initiators, client, () => new TakeOutWork([.. _luns.All], command.Unflushed, client, _disks, paths => new TargetCleared(paths)));
    }

    private void Delete(DeleteTarget command)
    {
        var client = Sender;
        if (_luns.Count > 0)
            client.Tell(Refusals.HasLogicalUnits(_name));
        else if (_sessions.Nexuses.HasConnections && command.Initiators == ConnectedInitiators.Refuse)
            client.Tell(Refusals.HasActiveConnections(_name));
        else
            Carry(new EndSessionsWork(_sessions, client, () => new WorkStep.Leave()));
    }

    /// <summary>Works once no session is left, or at once where the command does not mind sessions.</summary>
    private void CarryAlone(ConnectedInitiators policy, IActorRef client, Func<TargetWork> work) =>
        Carry(policy == ConnectedInitiators.Refuse ? work() : new EndSessionsWork(_sessions, client, () => new WorkStep.GoOn(work())));

    private void Leaving()
    {
        Receive<AdmitLogin>(_ => Sender.Tell(new LoginRefused(2, 4, "the target is being deleted")));
        Receive<ITargetCommand>(command => Sender.Tell(Refusals.TargetDoesNotExist(command.Target)));
        Receive<CloseTarget>(_ => Sender.Tell(new TargetClosed(_id, 0)));
        Common();
    }

    /// <summary>An image whose command had given up waiting is closed at last.</summary>
    private void LateClosed()
    {
        if (_luns.FindByActor(Sender) is not { } entry)
            return;
        _disks.Drop(entry);
        _log.Info("{Path} is free now", entry.Path);
        _saves.TellGone();
    }

    private void Close()
    {
        var client = Sender;
        _sessions.EndAll("the daemon is shutting down");
        var waitingForDisks = false;
        var told = false;
        Become(() =>
        {
            Receive<NexusEnded>(ended =>
            {
                _sessions.End(ended);
                Continue();
            });
            Receive<ITargetSessionEvent>(happened =>
            {
                _sessions.Take(happened);
                Continue();
            });
            Receive<DiskClosed>(_ =>
            {
                if (_luns.FindByActor(Sender) is { } entry)
                    _disks.Drop(entry);
                Continue();
            });
            Receive<AdmitLogin>(_ => Sender.Tell(new LoginRefused(3, 1, "the daemon is shutting down")));
            Receive<ITargetCommand>(_ => Sender.Tell(Refusals.ShuttingDown));
            Receive<RestoreLuns>(_ => { });
            Common();
        });
        Continue();

        void Continue()
        {
            if (_sessions.Nexuses.Count > 0)
                return;
            if (!waitingForDisks)
            {
                waitingForDisks = true;
                foreach (var entry in _luns.All.Where(e => e.Readiness != DiskReadiness.Detaching))
                {
                    entry.Readiness = DiskReadiness.Detaching;
                    entry.Actor.Tell(new CloseDisk(UnflushedData.Flush));
                }
            }
            if (_luns.Count > 0 || told)
                return;
            told = true;
            client.Tell(new TargetClosed(_id, 0));
        }
    }

    private sealed record DeadlineTick
    {
        public static readonly DeadlineTick Instance = new();
    }
}

using Qcow2Target.Actors.Disks;
using Qcow2Target.Actors.Sessions;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Scsi;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Actors.Targets;

/// <summary>
/// One target: which disk is which LUN, which initiators are connected, who may come in. Commands about disks are done one after the
/// other, each with a deadline; what sessions need is answered in between.
/// <code>
/// Idle → Attaching | Detaching | Resizing | EndingSessions | Saving → Idle        Idle → Leaving (deleted)        any → Closing
/// </code>
/// </summary>
public sealed class TargetActor : ReceiveActor, IWithStash, IWithTimers
{
    private readonly int _id;
    private readonly TargetName _name;
    private readonly TargetSettings _settings;
    private readonly TargetServices _services;
    private readonly Published<AccessRules> _access;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly LunTable _luns;
    private readonly TargetSessions _sessions;
    private readonly ReservationSaves _reservationSaves;
    private long _saveNumber;
    private IActorRef? _client;

    public TargetActor(
        int id, TargetName name, Guid daemonId, TargetSettings settings, TargetServices services, Published<AccessRules> access, Published<TargetView> view)
    {
        _id = id;
        _name = name;
        _settings = settings;
        _services = services;
        _access = access;
        _luns = new LunTable(name, daemonId, Self);
        _reservationSaves = new ReservationSaves(_luns);
        View = view;
        _sessions = new TargetSessions(Context, name, _luns, settings, services, access, Publish);
        Idle();
    }

    public IStash Stash { get; set; } = null!;

    public ITimerScheduler Timers { get; set; } = null!;

    private Published<TargetView> View { get; }

    public static Props PropsFor(
        int id, TargetName name, Guid daemonId, TargetSettings settings, TargetServices services, Published<AccessRules> access, Published<TargetView> view) =>
        Props.Create(() => new TargetActor(id, name, daemonId, settings, services, access, view));

    /// <summary>A disk begins again in Recovering, its sessions stay up; a session that is restarted ends itself.</summary>
    protected override SupervisorStrategy SupervisorStrategy() =>
        new OneForOneStrategy(cause => cause is ActorInitializationException ? Directive.Stop : Directive.Restart);

    protected override void PostStop()
    {
        _client?.Tell(Refusals.InternalFault("the target failed under the command"));
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
        Receive<ResetLuns>(_sessions.Reset);
        Receive<ITargetSessionEvent>(_sessions.Take);
        Receive<DiskReadinessChanged>(ChangeReadiness);
        Receive<DiskOpened>(DiskCameUp);
        Receive<DiskNotOpened>(_ => { });
        Receive<DiskGrown>(grown => Grown(grown.CapacityBytes));
        Receive<DiskNotGrown>(_ => { });
        Receive<DiskClosed>(_ => LateClosed());
        Receive<DiskDied>(died => throw new InvalidOperationException($"the actor of LUN {died.Lun} has ended: the target is built again from the state"));
        Receive<KeepReservations>(Keep);
        Receive<AbortTasksOf>(_sessions.Abort);
        Receive<LunsSaved>(message => _reservationSaves.Saved(message.Number));
        Receive<LunsNotSaved>(message =>
        {
            _reservationSaves.NotSaved(message.Number, message.Reason);
            _log.Error("the state of {Target} is not saved: {Reason}", _name.Shown, message.Reason);
        });
        Receive<DeadlineTick>(_ => { });
    }

    private void BusyWith(Action behaviour)
    {
        Become(() =>
        {
            behaviour();
            Receive<ITargetCommand>(_ => Stash.Stash());
            Receive<RestoreLuns>(_ => Stash.Stash());
            Receive<CloseTarget>(_ => Stash.Stash());
            Common();
        });
    }

    private void Finish()
    {
        _client = null;
        Timers.Cancel(DeadlineTick.Instance);
        Become(Idle);
        Stash.UnstashAll();
    }

    private void Publish() => View.Publish(new TargetView(_id, _name, _luns.View(), _sessions.Nexuses.View(_settings.PortalGroupTag), _access));

    // Attach

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
        _client = client;
        var entry = StartDisk(
            lun, command.DiskPath, command.Serial, command.Access, command.ZeroDetection, command.Flavour ?? DiskFlavour.Usual, FirstOpen.MustSucceed);
        Publish();
        entry.Actor.Tell(new OpenDisk(command.Pending));
        StartDeadline();
        BusyWith(() =>
        {
            Receive<DiskOpened>(opened =>
            {
                _luns.MakeUnit(entry, opened);
                Save(() => BringIntoService(entry, client), reason => TakeBack(entry, client, Refusals.StateNotSaved(reason)));
            }, _ => Sender.Equals(entry.Actor));
            Receive<DiskNotOpened>(failed =>
            {
                Drop(entry);
                client.Tell(new CommandRefused(failed.Reason, command.DiskPath, failed.Explanation));
                Finish();
            }, _ => Sender.Equals(entry.Actor));
            Receive<DeadlineTick>(_ =>
            {
                entry.Readiness = DiskReadiness.Detaching;
                entry.Actor.Tell(new CloseDisk(UnflushedData.Flush));
                Publish();
                client.Tell(Refusals.Deadline($"opening {command.DiskPath}"));
                Finish();
            });
        });
    }

    private void BringIntoService(LunEntry entry, IActorRef client)
    {
        entry.Readiness = DiskReadiness.Ready;
        _luns.PublishMap();
        Publish();
        ReportChange(entry);
        _log.Info("LUN {Lun} of {Target} is {Path} ({Bytes} bytes)", entry.Lun, _name.Shown, entry.Path, entry.CapacityBytes);
        client.Tell(new DiskAttached(entry.Lun));
        Finish();
    }

    /// <summary>Tells every initiator that a LUN came, and that it is another disk where one was there before.</summary>
    private void ReportChange(LunEntry entry)
    {
        var isReuse = _luns.IsReuse(entry.Lun);
        foreach (var session in _sessions.Nexuses.All)
        {
            session.Io.ReportLunsChanged();
            if (isReuse)
                session.Io.Nexus.Raise(entry.Unit!, UnitAttention.InquiryDataChanged);
        }
    }

    private void TakeBack(LunEntry entry, IActorRef client, CommandRefused refusal)
    {
        entry.Actor.Tell(new CloseDisk(UnflushedData.Flush));
        BusyWith(() => Receive<DiskClosed>(_ =>
        {
            Drop(entry);
            client.Tell(refusal);
            Finish();
        }, _ => Sender.Equals(entry.Actor)));
    }

    private void Drop(LunEntry entry)
    {
        _luns.Remove(entry.Lun);
        Context.Unwatch(entry.Actor);
        Context.Stop(entry.Actor);
        Publish();
    }

    private LunEntry StartDisk(
        int lun, string path, string? serial, ImageAccess access, ZeroDetection zeroDetection, DiskFlavour flavour, FirstOpen firstOpen)
    {
        var generation = _luns.NextGeneration();
        var port = new DiskPort(path, flavour.PhysicalBlockBytes ?? _settings.PhysicalBlockBytes, zeroDetection);
        var actor = Context.ActorOf(DiskActor.PropsFor(new DiskPlace(lun, _name.Shown), path, access, firstOpen, port, _services), $"lun-{lun}-{generation}");
        Context.WatchWith(actor, new DiskDied(lun));
        return _luns.Add(lun, path, serial, access, flavour, actor, port);
    }

    // Restore

    private void Restore(RestoreLuns message)
    {
        var client = Sender;
        var waitingFor = new HashSet<IActorRef>();
        var notReady = 0;
        foreach (var stored in message.Luns)
        {
            var access = stored.ReadOnly ? ImageAccess.ReadOnly : ImageAccess.ReadWrite;
            var flavour = new DiskFlavour(stored.Removable ? MediumKind.Removable : MediumKind.Fixed, stored.PhysicalBlockSize);
            var entry = StartDisk(stored.Lun, stored.Path, stored.Serial, access, stored.ZeroDetection, flavour, FirstOpen.MayFail);
            entry.File = stored.File;
            entry.Reservations = stored.Reservations;
            entry.Actor.Tell(new OpenDisk());
            waitingFor.Add(entry.Actor);
        }
        Publish();
        BusyWith(() =>
        {
            Receive<DiskOpened>(opened =>
            {
                DiskCameUp(opened);
                Reported();
            }, _ => waitingFor.Contains(Sender));
            Receive<DiskReadinessChanged>(change =>
            {
                ChangeReadiness(change);
                notReady++;
                Reported();
            }, change => change.Readiness == DiskReadiness.Recovering && waitingFor.Contains(Sender));
        });

        void Reported()
        {
            waitingFor.Remove(Sender);
            if (waitingFor.Count > 0)
                return;
            client.Tell(new TargetRestored(message.Luns.Count - notReady, notReady));
            Finish();
        }
    }

    /// <summary>A disk that was restored, or that came back, by itself.</summary>
    private void DiskCameUp(DiskOpened opened)
    {
        if (_luns.FindByActor(Sender) is not { } entry || entry.Readiness == DiskReadiness.Detaching)
            return;
        var isNew = entry.Unit is null;
        if (!isNew)
            Grown(opened.CapacityBytes);   // a resize that had to be given up may be in the file all the same
        _luns.MakeUnit(entry, opened);
        entry.Readiness = DiskReadiness.Ready;
        entry.Reason = null;
        _luns.PublishMap();
        Publish();
        if (isNew)
            ReportChange(entry);
        _log.Info("LUN {Lun} of {Target} is {Path} ({Bytes} bytes)", entry.Lun, _name.Shown, entry.Path, entry.CapacityBytes);
    }

    private void ChangeReadiness(DiskReadinessChanged change)
    {
        if (_luns.FindByActor(Sender) is not { } entry || entry.Readiness == DiskReadiness.Detaching)
            return;
        entry.Readiness = change.Readiness;
        entry.Reason = change.Reason;
        if (entry.Unit is { } unit)
            unit.Availability = change.Readiness is DiskReadiness.Ready or DiskReadiness.WriteProtected ? UnitAvailability.Ready : UnitAvailability.BecomingReady;
        Publish();
        if (change.Readiness == DiskReadiness.Ready)
            _log.Info("LUN {Lun} of {Target} serves again", entry.Lun, _name.Shown);
        else if (change.Readiness == DiskReadiness.WriteProtected)
            _log.Warning("LUN {Lun} of {Target} ({Path}) is write protected: {Reason}", entry.Lun, _name.Shown, entry.Path, change.Reason);
        else
            _log.Warning("LUN {Lun} of {Target} ({Path}) is out of service: {Reason}", entry.Lun, _name.Shown, entry.Path, change.Reason);
    }

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

    // Resize

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
        _client = client;
        entry.Actor.Tell(new GrowDisk(command.Bytes));
        var progress = entry.Port.Progress;
        StartDeadline();
        BusyWith(() =>
        {
            Receive<DiskGrown>(grown =>
            {
                Grown(grown.CapacityBytes);
                client.Tell(new DiskResized(grown.CapacityBytes));
                Finish();
            }, _ => Sender.Equals(entry.Actor));
            Receive<DiskNotGrown>(failed =>
            {
                client.Tell(new CommandRefused(failed.Reason, failed.Reason == RefusalReason.LogicalUnitNotReady ? _name.Shown : entry.Path, failed.Explanation));
                Finish();
            }, _ => Sender.Equals(entry.Actor));
            Receive<DeadlineTick>(_ =>
            {
                if (entry.Port.Progress is var now && now != progress)
                {
                    progress = now;
                    StartDeadline();
                    return;
                }
                client.Tell(Refusals.Deadline($"{entry.Path} to grow"));   // should it grow after all, Grown tells of it
                Finish();
            });
        });
    }

    /// <summary>The disk of the sender has another size: its initiators must ask for it again (SBC-3 clause 4.7.1).</summary>
    private void Grown(long capacityBytes)
    {
        if (_luns.FindByActor(Sender) is not { } entry || entry.CapacityBytes == capacityBytes)
            return;
        entry.CapacityBytes = capacityBytes;
        entry.Unit?.Raise(UnitAttention.CapacityChanged);
        Publish();
        _log.Info("LUN {Lun} of {Target} ({Path}) has {Bytes} bytes now", entry.Lun, _name.Shown, entry.Path, capacityBytes);
    }

    // Detach, clear, delete

    private void Detach(DetachDisk command)
    {
        var client = Sender;
        if (_luns.Find(command.Lun) is not { } entry)
        {
            client.Tell(Refusals.LogicalUnitNotFound(_name));
            return;
        }
        _client = client;
        AfterSessions(command.Initiators, client, () =>
            TakeOut([entry], command.Unflushed, client, paths => new DiskDetached(paths[0])));
    }

    private void Clear(ClearTarget command)
    {
        if (_sessions.Nexuses.HasConnections && command.Initiators == ConnectedInitiators.Refuse)
        {
            Sender.Tell(Refusals.HasActiveConnection(_name));
            return;
        }
        var client = Sender;
        _client = client;
        AfterSessions(command.Initiators, client, () =>
            TakeOut([.. _luns.All], command.Unflushed, client, paths => new TargetCleared(paths)));
    }

    private void Delete(DeleteTarget command)
    {
        var client = Sender;
        if (_luns.Count > 0)
            client.Tell(Refusals.HasLogicalUnits(_name));
        else if (_sessions.Nexuses.HasConnections && command.Initiators == ConnectedInitiators.Refuse)
            client.Tell(Refusals.HasActiveConnections(_name));
        else
            AfterSessions(command.Initiators, client, () =>
            {
                Context.Parent.Tell(new TargetEmptied(_id, client));
                Become(Leaving);
                Stash.UnstashAll();
            });
    }

    private void Leaving()
    {
        Receive<AdmitLogin>(_ => Sender.Tell(new LoginRefused(2, 4, "the target is being deleted")));
        Receive<ITargetCommand>(command => Sender.Tell(Refusals.TargetDoesNotExist(command.Target)));
        Receive<CloseTarget>(_ => Sender.Tell(new TargetClosed(_id, 0)));
        Common();
    }

    /// <summary>Goes on once no session is left, or at once where the command does not mind sessions.</summary>
    private void AfterSessions(ConnectedInitiators policy, IActorRef client, Action next)
    {
        if (policy == ConnectedInitiators.Refuse || !_sessions.Nexuses.HasConnections)
        {
            next();
            return;
        }
        _sessions.Nexuses.ForgetAdmissions();
        if (_sessions.Nexuses.Count == 0)
        {
            next();
            return;
        }
        foreach (var session in _sessions.Nexuses.All)
            session.Actor.Tell(new EndSession("an operator's command ends it", SessionEnding.AskForLogout));
        StartDeadline();
        BusyWith(() =>
        {
            Receive<NexusEnded>(ended =>
            {
                _sessions.End(ended);
                ContinueIfAlone();
            });
            Receive<ITargetSessionEvent>(happened =>
            {
                _sessions.Take(happened);
                ContinueIfAlone();
            });
            Receive<AdmitLogin>(_ => Sender.Tell(new LoginRefused(3, 1, "sessions are being ended by an operator's command")));
            Receive<DeadlineTick>(_ =>
            {
                client.Tell(Refusals.Deadline("sessions to end: " + string.Join(", ", _sessions.Nexuses.All.Select(s => s.Identity.Initiator))));
                Finish();
            });
        });

        void ContinueIfAlone()
        {
            if (_sessions.Nexuses.Count > 0)
                return;
            Timers.Cancel(DeadlineTick.Instance);
            next();
        }
    }

    /// <summary>Takes LUNs out of service, waits until their images are complete on disk and closed, saves, and answers.</summary>
    private void TakeOut(IReadOnlyList<LunEntry> entries, UnflushedData unflushed, IActorRef client, Func<IReadOnlyList<string>, object> reply)
    {
        if (entries.Count == 0)
        {
            client.Tell(reply([]));
            Finish();
            return;
        }
        var paths = entries.Select(e => e.Path).ToArray();
        var open = entries.ToList();
        foreach (var entry in entries)
        {
            entry.Actor.Tell(new CloseDisk(unflushed));   // said again where an earlier command gave up waiting
            entry.Readiness = DiskReadiness.Detaching;
        }
        _luns.PublishMap();
        Publish();
        foreach (var session in _sessions.Nexuses.All)
            session.Io.ReportLunsChanged();
        var progress = entries.Sum(e => e.Port.Progress);
        StartDeadline();
        BusyWith(() =>
        {
            Receive<DiskClosed>(_ =>
            {
                var entry = open.Single(e => e.Actor.Equals(Sender));
                open.Remove(entry);
                Drop(entry);
                if (open.Count > 0)
                    return;
                Save(() => Answer(reply(paths)), reason => Answer(Refusals.StateNotSaved("the disk is free, but the state file still names it: " + reason)));
            }, _ => open.Any(e => e.Actor.Equals(Sender)));
            Receive<DeadlineTick>(_ =>
            {
                var now = entries.Sum(e => e.Port.Progress);
                if (now != progress)
                {
                    progress = now;
                    StartDeadline();
                    return;
                }
                _log.Warning("{Target}: {Paths} did not close in time", _name.Shown, string.Join(", ", open.Select(e => e.Path)));
                Answer(Refusals.Detaching(open.Select(e => e.Path)));
            });
        });

        void Answer(object answer)
        {
            if (answer is not CommandRefused)
                _log.Info("{Target}: {Paths} detached", _name.Shown, string.Join(", ", paths));
            client.Tell(answer);
            Finish();
        }
    }

    /// <summary>An image whose command had given up waiting is closed at last.</summary>
    private void LateClosed()
    {
        if (_luns.FindByActor(Sender) is not { } entry)
            return;
        Drop(entry);
        _log.Info("{Path} is free now", entry.Path);
        Context.Parent.Tell(new SaveLuns(_id, _luns.Stored(), ++_saveNumber));
    }

    private void Keep(KeepReservations request)
    {
        if (_reservationSaves.TryBegin(request, ++_saveNumber))
            Context.Parent.Tell(new SaveLuns(_id, _luns.Stored(), _saveNumber));
    }

    private void Save(Action saved, Action<string> notSaved)
    {
        var number = ++_saveNumber;
        Context.Parent.Tell(new SaveLuns(_id, _luns.Stored(), number));
        BusyWith(() =>
        {
            Receive<LunsSaved>(_ => saved(), message => message.Number == number);
            Receive<LunsNotSaved>(message => notSaved(message.Reason), message => message.Number == number);
        });
    }

    private void StartDeadline() => Timers.StartSingleTimer(DeadlineTick.Instance, DeadlineTick.Instance, _settings.CommandDeadline);

    private void Close()
    {
        var client = Sender;
        _sessions.Nexuses.ForgetAdmissions();
        foreach (var session in _sessions.Nexuses.All)
            session.Actor.Tell(new EndSession("the daemon is shutting down", SessionEnding.AskForLogout));
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
                    Drop(entry);
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

    private sealed record DiskDied(int Lun);

    private sealed record DeadlineTick
    {
        public static readonly DeadlineTick Instance = new();
    }
}

namespace Qcow2Target.Actors.Targets;

/// <summary>
/// Owns the names and ids of the targets and the state file. Answers LIST from what the targets publish; hands every other command to
/// the target that it names, which answers the client itself.
/// <code>
/// Loading → Restoring → Serving → Closing
/// </code>
/// </summary>
public sealed class TargetManagerActor : ReceiveActor, IWithTimers
{
    private readonly TargetSettings _settings;
    private readonly TargetServices _services;
    private readonly StateFile _file;
    private readonly StateWriter _writer;
    private readonly AccessChanges _accessChanges;
    private readonly TargetBoard _board;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Dictionary<TargetName, Entry> _byName = [];
    private readonly Dictionary<int, Entry> _byId = [];
    private readonly List<IActorRef> _awaitingReady = [];
    private readonly UnfinishedSanitizes _sanitizes = new();
    private Guid _daemonId;
    private int _nextId = 1;
    private TargetsReady? _ready;

    public TargetManagerActor(TargetSettings settings, TargetServices services, StateFile file, TargetBoard board)
    {
        _board = board;
        _settings = settings;
        _services = services;
        _file = file;
        _writer = new StateWriter(file, services.Threads, Self, State);
        _accessChanges = new AccessChanges(id => _byId.GetValueOrDefault(id)?.Access, _writer.Save, _log);
        Loading();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props PropsFor(TargetSettings settings, TargetServices services, StateFile file, TargetBoard board) =>
        Props.Create(() => new TargetManagerActor(settings, services, file, board));

    /// <summary>A target actor that fails is stopped and built again from the state: its sessions and disks go with it.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    protected override void PreStart()
    {
        var self = Self;
        _services.Threads.Run(_file.Load).PipeTo(self, self, success: state => new StateLoaded(state), failure: e => new StateNotLoaded(e));
    }

    // Names, ids and what is attached live here: after a bug in here nothing of it can be trusted, and the saved state is the way back.
    protected override void PreRestart(Exception reason, object message) => _services.Fatal("the target manager failed: " + reason);

    private void Loading()
    {
        Receive<StateLoaded>(message => Restore(message.State));
        Receive<StateNotLoaded>(message => _services.Fatal(message.Cause.Message));
        Receive<AwaitReady>(_ => _awaitingReady.Add(Sender));
        Receive<CloseTargets>(_ => Sender.Tell(new TargetsClosed(0)));
        Receive<FindTarget>(_ => Sender.Tell(new TargetNotFound(true)));
        Receive<ITargetManagerCommand>(_ => Sender.Tell(Refusals.ShuttingDown));
    }

    private void Restore(StoredState state)
    {
        _daemonId = state.DaemonId;
        _sanitizes.Load(state.Sanitizes ?? []);
        var waitingFor = 0;
        foreach (var stored in state.Targets)
        {
            var entry = Start(new TargetName(stored.Name), stored.Id, new LunRecords(stored.Luns), stored.Access ?? AccessRules.Everybody);
            _nextId = Math.Max(_nextId, stored.Id + 1);
            if (stored.Luns.Count == 0)
                continue;
            waitingFor++;
            entry.Actor.Tell(new RestoreLuns(stored.Luns));
        }
        _log.Info("{Targets} targets from {StateFile}", state.Targets.Count, _file.Path);
        var disks = state.Targets.Sum(t => t.Luns.Count);
        Become(() => Restoring(waitingFor, new TargetsReady(state.Targets.Count, disks, 0)));
        _writer.Save();
        if (waitingFor == 0)
            Ready(new TargetsReady(state.Targets.Count, disks, 0));
        else
            Timers.StartSingleTimer(RestoreTimeout.Instance, RestoreTimeout.Instance, _settings.RestorePatience);
    }

    private void Restoring(int waitingFor, TargetsReady sofar)
    {
        Receive<TargetRestored>(restored =>
        {
            waitingFor--;
            sofar = sofar with { NotReady = sofar.NotReady + restored.NotReady };
            if (waitingFor == 0)
                Ready(sofar);
        });
        Receive<RestoreTimeout>(_ => Ready(sofar with { NotReady = sofar.NotReady + waitingFor }));
        Common();
    }

    private void Ready(TargetsReady ready)
    {
        Timers.Cancel(RestoreTimeout.Instance);
        _ready = ready;
        foreach (var waiter in _awaitingReady)
            waiter.Tell(ready);
        _awaitingReady.Clear();
        Become(Serving);
    }

    private void Serving()
    {
        Receive<TargetRestored>(_ => { });
        Receive<RestoreTimeout>(_ => { });
        Common();
    }

    private void Common()
    {
        Receive<AwaitReady>(_ =>
        {
            if (_ready is null)
                _awaitingReady.Add(Sender);
            else
                Sender.Tell(_ready);
        });
        Receive<AddTarget>(Add);
        Receive<ChangeAccess>(Change);
        Receive<ListTargets>(List);
        Receive<FindTarget>(Find);
        Receive<CloseTargets>(_ => Close());
        Receive<ITargetCommand>(Route);
        Receive<SaveLuns>(message =>
        {
            var proposals = _byId.GetValueOrDefault(message.TargetId)?.Luns.Take(message.Changes) ?? [];
            GiveUpSanitizes();
            _writer.Save(PendingSave.For(Sender, message.Number, proposals));
        });
        Receive<KeepSanitize>(Keep);
        Receive<TargetEmptied>(Forget);
        Receive<StateWritten>(Written);
        Receive<SaveAgain>(_ => _writer.Save());
        Receive<TargetDied>(Rebuild);
    }

    private void Add(AddTarget command)
    {
        if (_byName.ContainsKey(command.Target))
        {
            Sender.Tell(Refusals.TargetAlreadyExists(command.Target));
            return;
        }
        if (_byName.Count >= ActorLimits.Targets)
        {
            Sender.Tell(Refusals.TooManyTargets);
            return;
        }
        var rules = command.Access?.ApplyTo(AccessRules.Everybody) ?? AccessRules.Everybody;
        if (rules.FindContradiction() is { } contradiction)
        {
            Sender.Tell(new CommandRefused(RefusalReason.AccessContradicts, command.Target.Shown, contradiction));
            return;
        }
        var id = _nextId++;
        Start(command.Target, id, new LunRecords([]), rules);
        var client = Sender;
        var name = command.Target;
        _writer.Save(PendingSave.For(client, () => new TargetAdded(id), Refusals.StateNotSaved, undo: () =>
        {
            if (_byId.Remove(id, out var entry))
            {
                _byName.Remove(name);
                Context.Unwatch(entry.Actor);
                Context.Stop(entry.Actor);
                PublishBoard();
            }
        }));
        _log.Info("target {Target} added", command.Target.Shown);
    }

    private void Change(ChangeAccess command)
    {
        if (_byName.TryGetValue(command.Target, out var entry))
            _accessChanges.Take(entry.Id, command, Sender);
        else
            Sender.Tell(Refusals.TargetDoesNotExist(command.Target));
    }

    private void Route(ITargetCommand command)
    {
        if (_byName.TryGetValue(command.Target, out var entry))
            entry.Actor.Forward(command);
        else
            Sender.Tell(Refusals.TargetDoesNotExist(command.Target));
    }

    private void Keep(KeepSanitize request)
    {
        var former = _sanitizes.Replace(request.File, request.Sanitize);
        GiveUpSanitizes();   // the file may have been detached while its command was on its way here
        _writer.Save(new PendingSave(() => request.Done.TrySetResult(true), _ =>
        {
            _sanitizes.Replace(request.File, former);
            GiveUpSanitizes();
            request.Done.TrySetResult(false);
        }));
    }

    private void GiveUpSanitizes()
    {
        foreach (var forgotten in _sanitizes.GiveUpAllBut(_byId.Values.SelectMany(e => e.Luns.All).Select(l => l.File)))
            _log.Warning("the file with inode {Inode} on device {Device} was being sanitized when it was detached; that is forgotten (limit {Limit})",
                forgotten.File.Inode, forgotten.File.Device, nameof(ActorLimits.AbandonedSanitizes));
    }

    private void List(ListTargets command)
    {
        if (command.Target is not { } name)
            Sender.Tell(new TargetList([.. _byId.Values.OrderBy(e => e.Id).Select(e => e.View.Value)]));
        else if (_byName.TryGetValue(name, out var entry))
            Sender.Tell(new TargetList([entry.View.Value]));
        else
            Sender.Tell(Refusals.TargetDoesNotExist(name));
    }

    private void Find(FindTarget message)
    {
        if (_byName.TryGetValue(message.Target, out var entry))
            Sender.Tell(new TargetFound(entry.Actor));
        else
            Sender.Tell(new TargetNotFound(ShuttingDown: false));
    }

    private void Forget(TargetEmptied message)
    {
        if (!_byId.Remove(message.TargetId, out var entry))
            return;
        _byName.Remove(entry.Name);
        Context.Unwatch(entry.Actor);
        Context.Stop(entry.Actor);
        PublishBoard();
        _log.Info("target {Target} deleted", entry.Name.Shown);
        _writer.Save(PendingSave.For(message.Client, () => new TargetDeleted(), Refusals.StateNotSaved));
    }

    private void Rebuild(TargetDied message)
    {
        if (!_byId.TryGetValue(message.TargetId, out var entry))
            return;
        _log.Error("target {Target} failed and is built again", entry.Name.Shown);
        entry.Luns.TakeBackProposals();   // whose client was told that the target failed
        var fresh = Start(entry.Name, entry.Id, entry.Luns, entry.Access.Value);
        if (fresh.Luns.All is { Count: > 0 } luns)
            fresh.Actor.Tell(new RestoreLuns(luns));
        _writer.Save();
    }

    private Entry Start(TargetName name, int id, LunRecords luns, AccessRules rules)
    {
        var access = new Published<AccessRules>(rules);
        var view = new Published<TargetView>(new TargetView(id, name, [], [], access));
        var generation = _byId.TryGetValue(id, out var former) ? former.Generation + 1 : 0;
        var actorName = generation == 0 ? $"t-{id}" : $"t-{id}-{generation}";
        var actor = Context.ActorOf(TargetActor.PropsFor(id, name, _daemonId, _settings, _services, access, _sanitizes, view), actorName);
        Context.WatchWith(actor, new TargetDied(id));
        var entry = new Entry(id, name, actor, view, access, luns, generation);
        _byId[id] = entry;
        _byName[name] = entry;
        PublishBoard();
        return entry;
    }

    private void PublishBoard() => _board.Publish([.. _byId.Values.OrderBy(e => e.Id).Select(e => e.View)]);

    private StoredState State() => new(
        StoredState.CurrentVersion, _daemonId,
        [.. _byId.Values.OrderBy(e => e.Id).Select(e => new StoredTarget(e.Id, e.Name.Shown, e.Luns.All, StoredAccess(e)))],
        _sanitizes.All);

    private void Written(StateWritten message)
    {
        if (message.Fault is { } fault)
        {
            if (_writer.HasFailed && message.Waiters.Count == 0)
                _log.Debug("{Fault}", fault);   // tried again by itself, and it has been told
            else
                _log.Error("{Fault}", fault);
        }
        _writer.Take(message);
        if (_writer.IsBehind)
            Timers.StartSingleTimer(SaveAgain.Instance, SaveAgain.Instance, _settings.SaveRetry);
        else
            Timers.Cancel(SaveAgain.Instance);
    }

    private void Close()
    {
        _accessChanges.RefuseWaiting(Refusals.ShuttingDown);
        var client = Sender;
        var waitingFor = _byId.Count;
        if (waitingFor == 0)
        {
            client.Tell(new TargetsClosed(0));
            return;
        }
        foreach (var entry in _byId.Values)
        {
            Context.Unwatch(entry.Actor);
            entry.Actor.Tell(new CloseTarget());
        }
        Become(() => Closing(client, waitingFor, 0));
    }

    private void Closing(IActorRef client, int waitingFor, int notClosed)
    {
        Receive<TargetClosed>(closed =>
        {
            notClosed += closed.NotClosed;
            if (--waitingFor == 0)
                client.Tell(new TargetsClosed(notClosed));
        });
        Receive<ListTargets>(List);
        Receive<FindTarget>(_ => Sender.Tell(new TargetNotFound(ShuttingDown: true)));
        Receive<StateWritten>(Written);
        Receive<SaveAgain>(_ => _writer.Save());
        Receive<SaveLuns>(message => Sender.Tell(new LunsNotSaved(message.Number, "the daemon is shutting down")));
        Receive<KeepSanitize>(request =>
        {
            request.Done.TrySetResult(false);
        });
        Receive<ITargetManagerCommand>(_ => Sender.Tell(Refusals.ShuttingDown));
    }

    private static AccessRules? StoredAccess(Entry entry) => entry.Access.Value is { AreOpen: false } rules ? rules : null;

    private sealed class Entry(
        int id, TargetName name, IActorRef actor, Published<TargetView> view, Published<AccessRules> access, LunRecords luns, int generation)
    {
        public int Id => id;

        public TargetName Name => name;

        public IActorRef Actor => actor;

        public Published<TargetView> View => view;

        public Published<AccessRules> Access => access;

        public int Generation => generation;

        public LunRecords Luns => luns;
    }

    private sealed record StateLoaded(StoredState State);

    private sealed record StateNotLoaded(Exception Cause);

    private sealed record TargetDied(int TargetId);

    /// <summary>The last write of the state file failed: it is tried again.</summary>
    private sealed record SaveAgain
    {
        public static readonly SaveAgain Instance = new();
    }

    private sealed record RestoreTimeout
    {
        public static readonly RestoreTimeout Instance = new();
    }
}

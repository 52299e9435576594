using Qcow2Target.Actors.Sessions;
using Qcow2Target.Iscsi.Login;
using Qcow2Target.Iscsi.Sessions;
using Qcow2Target.Scsi;
using Qcow2Target.Scsi.Reservations;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Actors.Targets;

/// <summary>What happens to a target's sessions by itself; handed to <see cref="TargetSessions.Take"/>.</summary>
internal interface ITargetSessionEvent;

/// <summary>
/// The sessions' half of a target: who is let in, what becomes of a session that ends, and the functions that reach every session's tasks.
/// Belongs to the target's actor and runs on its thread only.
/// </summary>
internal sealed class TargetSessions(
    IActorContext context, TargetName target, LunTable luns, TargetSettings settings, TargetServices services, Published<AccessRules> access, Action publish)
{
    public NexusTable Nexuses { get; } = new();

    private IActorRef Self => context.Self;

    public void Admit(AdmitLogin message) => Judge(context.Sender, message.Identity);

    public void Begin(BeginSession message)
    {
        var login = context.Sender;
        if (!Nexuses.TakeAdmission(login, message.Tsih))
        {
            message.Connection.Dispose();
            login.Tell(new SessionNotBegun());
            return;
        }
        context.Unwatch(login);
        login.Tell(new SessionBegun());
        var port = new TargetPort(target.Shown, settings.PortalGroupTag, RelativePortId: 1);
        var nexus = new ItNexus(port, PortOf(message.Identity), Nexuses.FirstAttention(message.Identity));
        var io = new SessionIo(message.Identity, message.Connection, luns.Map, services.Buffers, nexus, settings.Spin);
        var props = SessionActor.PropsFor(message.Tsih, io, new SessionFences(luns.Map), settings, services.Peers);
        var actor = context.ActorOf(props, Nexuses.ActorName(message.Tsih));
        context.WatchWith(actor, new SessionDied(message.Tsih, actor));
        Nexuses.Add(message.Tsih, message.Identity, actor, io);
        publish();
        services.Peers.Session("opened a session", message.Identity.Peer, $"{message.Identity.Initiator} has session {message.Tsih} on {target.Shown}");
    }

    public void End(NexusEnded message)
    {
        Remove(message.Tsih, context.Sender);
        context.Sender.Tell(new NexusRemoved());
    }

    /// <summary>Asks every session to log out; logins that were let in, or wait for the session that they reinstate, do not become sessions any more.</summary>
    public void EndAll(string reason)
    {
        Nexuses.ForgetAdmissions();
        foreach (var waiter in Nexuses.TakeWaiters())
            ((OldSessionOver)waiter).Login.Tell(new LoginRefused(3, 1, reason));
        foreach (var session in Nexuses.All)
            session.Actor.Tell(new EndSession(reason, SessionEnding.AskForLogout));
    }

    public void Note(NexusAnswers message)
    {
        Nexuses.Set(message.Tsih, message.Responsiveness);
        publish();
    }

    public void Take(ITargetSessionEvent happened)
    {
        switch (happened)
        {
            case SessionDied died:
                Lose(died);
                break;
            case SessionQuiet quiet:
                Remove(quiet.Tsih, quiet.Actor);
                break;
            case LoginGone gone:
                Nexuses.ForgetAdmission(gone.Login);
                publish();
                break;
            case OldSessionOver over when over.Reinstated is { } session:
                Grant(over.Login, over.Identity, session.Tsih, session);
                break;
            case OldSessionOver over:
                Judge(over.Login, over.Identity);   // another login of the same port may have come first
                break;
            case LunsQuiet quiet:
                Finish(quiet);
                break;
            case LunsNotQuiet notQuiet:
                GiveUp(notQuiet);
                break;
            case PreemptedQuiet preempted:
                if (preempted.StillRunning is { } running)
                    luns.Fence(LunField.Encode(preempted.Request.Lun), running);
                preempted.Request.Done.TrySetResult();
                break;
        }
    }

    /// <summary>CLEAR TASK SET and the resets take every session's tasks along (SAM-5 clause 7; RFC 7143 clause 11.5.1).</summary>
    public void Reset(ResetLuns message)
    {
        var aborted = new List<Task>();
        var bereft = new List<ItNexus>();
        var unreturned = new List<UnreturnedWrites>();
        foreach (var session in Nexuses.All)
        {
            uint? before = session.Tsih == message.Tsih ? message.Request.CmdSn : null;
            var result = session.Io.AbortLun(message.Lun, before);
            aborted.Add(result.Quiet);
            if (result.Count > 0)
                bereft.Add(session.Io.Nexus);
            if (!result.Quiet.IsCompleted)
                unreturned.AddRange(UnreturnedWrites.Of(session.Io, luns.Map.Value, message.Lun, before));
            if (message.Request.Function == TaskManagementFunction.ClearTaskSet && session.Tsih != message.Tsih && result.Count > 0)
                luns.RaiseFor(session.Io.Nexus, message.Lun, UnitAttention.CommandsCleared);
        }
        var all = Task.WhenAll(aborted);
        all.WaitAsync(settings.AbortPatience)
            .PipeTo(Self, Self, success: () => new LunsQuiet(message), failure: _ => new LunsNotQuiet(message, bereft, unreturned));
    }

    /// <summary>PREEMPT AND ABORT: the tasks of the preempted end as CLEAR TASK SET would end them.</summary>
    public void Abort(AbortTasksOf message)
    {
        var field = LunField.Encode(message.Lun);
        var aborted = Nexuses.All
            .Where(session => message.Initiators.Contains(PortOf(session.Identity)))
            .Select(session => session.Io.AbortLun(field, null).Quiet)
            .ToArray();
        var all = Task.WhenAll(aborted);
        all.WaitAsync(settings.AbortPatience)
            .PipeTo(Self, Self, success: () => new PreemptedQuiet(message, null), failure: _ => new PreemptedQuiet(message, all));
    }

    private static InitiatorPort PortOf(LoginIdentity identity) => new(identity.Initiator, identity.InitiatorSessionId);

    private void Judge(IActorRef login, LoginIdentity identity)
    {
        if (access.Value.FindRefusal(identity.Initiator, identity.Peer.Address, identity.ChapUser) is { } refusal)
        {
            login.Tell(refusal);
            return;
        }
        switch (Nexuses.Judge(identity))
        {
            // Logins that come at the same instant at different targets may pass together: a session more or less is no matter.
            case Admission.Fresh when services.Board.Targets.Sum(t => t.Nexuses.Count) >= ActorLimits.Sessions:
                login.Tell(new LoginRefused(3, 2, $"the daemon has {ActorLimits.Sessions} sessions already (limit {nameof(ActorLimits.Sessions)})"));
                break;
            case Admission.Fresh:
                Grant(login, identity, Nexuses.NextTsih(), reinstated: null);
                break;
            case Admission.Reinstates reinstates:
                reinstates.Old.Actor.Tell(new EndSession("its initiator logged in again", SessionEnding.AtOnce));
                var displaced = Nexuses.Await(reinstates.Old.Tsih, new OldSessionOver(login, identity, identity.Tsih == 0 ? null : reinstates.Old.Io.Parameters));
                (displaced as OldSessionOver)?.Login.Tell(new LoginRefused(3, 0, "the same initiator port came again meanwhile"));
                break;
            case Admission.Turned turned:
                login.Tell(new LoginRefused(turned.StatusClass, turned.StatusDetail, turned.Reason));
                break;
        }
    }

    private void Grant(IActorRef login, LoginIdentity identity, ushort tsih, SessionParameters? reinstated)
    {
        Nexuses.Admit(login, identity, tsih);
        publish();
        context.WatchWith(login, new LoginGone(login));
        login.Tell(new LoginAdmitted(tsih, settings.PortalGroupTag, reinstated));
    }

    /// <summary>A session's actor is gone without having said so: its connection is cut, and its nexus leaves when its work has returned.</summary>
    private void Lose(SessionDied message)
    {
        if (Find(message.Tsih, message.Actor) is not { } session)
            return;
        session.Io.Close("its actor has failed");
        session.Io.Completion.PipeTo(Self, Self, success: () => new SessionQuiet(message.Tsih, message.Actor));
    }

    /// <summary>The session with that handle, if it is still the one of this actor: a connection that is reinstated goes on under the same handle.</summary>
    private NexusEntry? Find(ushort tsih, IActorRef actor) => Nexuses.Find(tsih) is { } session && session.Actor.Equals(actor) ? session : null;

    private void Remove(ushort tsih, IActorRef actor)
    {
        if (Find(tsih, actor) is not { } session)
            return;
        Nexuses.Remove(tsih);
        session.Io.Nexus.Close();
        publish();
        if (Nexuses.TakeWaiter(tsih) is { } waiter)
            Self.Tell(waiter, Self);
    }

    private void Finish(LunsQuiet message)
    {
        var request = message.Reset.Request;
        if (AttentionOf(request.Function) is { } attention)
            luns.RaiseReset(message.Reset.Lun, attention);
        request.Respond(TaskManagementResponse.Complete);
        if (request.Function != TaskManagementFunction.TargetColdReset)
            return;
        Nexuses.StartAnew();   // the attentions that were raised go with their nexuses: who comes back is told of the reset all the same
        foreach (var session in Nexuses.All)
            session.Actor.Tell(new EndSession("an initiator reset the target", SessionEnding.AtOnce));
    }

    /// <summary>The function is not done, but the tasks that it ended stay ended: who lost some is told as if it were.</summary>
    private void GiveUp(LunsNotQuiet message)
    {
        foreach (var writes in message.Unreturned)
            writes.Fence();
        var request = message.Reset.Request;
        if (AttentionOf(request.Function) is { } attention)
        {
            foreach (var nexus in message.Bereft)
                luns.RaiseFor(nexus, message.Reset.Lun, attention);
        }
        request.Respond(TaskManagementResponse.Rejected);
    }

    private static UnitAttention? AttentionOf(TaskManagementFunction function) => function switch
    {
        TaskManagementFunction.LogicalUnitReset => UnitAttention.DeviceReset,
        TaskManagementFunction.TargetWarmReset => UnitAttention.BusReset,
        TaskManagementFunction.TargetColdReset => UnitAttention.PowerOnOccurred,
        _ => null,
    };

    private sealed record SessionDied(ushort Tsih, IActorRef Actor) : ITargetSessionEvent;

    private sealed record SessionQuiet(ushort Tsih, IActorRef Actor) : ITargetSessionEvent;

    private sealed record LoginGone(IActorRef Login) : ITargetSessionEvent;

    /// <param name="Reinstated">The session that the login goes on with (connection reinstatement), or null for a new one.</param>
    private sealed record OldSessionOver(IActorRef Login, LoginIdentity Identity, SessionParameters? Reinstated) : ITargetSessionEvent;

    private sealed record PreemptedQuiet(AbortTasksOf Request, Task? StillRunning) : ITargetSessionEvent;

    private sealed record LunsQuiet(ResetLuns Reset) : ITargetSessionEvent;

    /// <param name="Reset">What was asked.</param>
    /// <param name="Bereft">Who lost tasks to it.</param>
    /// <param name="Unreturned">Why it cannot be done.</param>
    private sealed record LunsNotQuiet(ResetLuns Reset, IReadOnlyList<ItNexus> Bereft, IReadOnlyList<UnreturnedWrites> Unreturned) : ITargetSessionEvent;
}

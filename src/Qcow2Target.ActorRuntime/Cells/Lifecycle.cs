namespace Qcow2Target.ActorRuntime;

/// <summary>
/// The edges of an actor's life: birth, failure, restart, end. An actor that fails holds its user messages back, suspends its children and
/// waits for its supervisor's word. Restart and end both wait until the children that must go have gone.
/// </summary>
/// <remarks>
/// While it waits for children, decisions about it (suspend, resume, recreate) and failures of its children are put off; while it has
/// failed itself, or an asynchronous handler is under way, only the latter: the strategy is the actor's own code and must not run in the
/// middle of a handler. Every Suspend is matched by one Resume or Recreate.
/// </remarks>
internal sealed class Lifecycle
{
    private readonly ActorCell _cell;
    private readonly Queue<SystemMessage> _deferred = new();
    private bool _failed;
    private InternalActorRef _perpetrator;      // the child whose failure was escalated
    private WaitingFor _waiting;
    private Exception _restartCause;
    private bool _wasCreated;                   // the incarnation before the restart had lived

    public Lifecycle(ActorCell cell) => _cell = cell;

    private enum WaitingFor
    {
        Nothing,
        ChildrenBeforeRestart,
        ChildrenBeforeEnd,
    }

    public void Handle(SystemMessage message)
    {
        if (MustWait(message))
        {
            _deferred.Enqueue(message);
            return;
        }

        Dispatch(message);
    }

    /// <summary>Handles what was put off and needs to wait no longer.</summary>
    public void HandleDeferred()
    {
        while (_deferred.TryPeek(out SystemMessage next) && !MustWait(next) && !_cell.Mailbox.IsClosed) Dispatch(_deferred.Dequeue());
    }

    /// <summary>The actor has failed, of itself or because it escalated the failure of a child.</summary>
    public void Fail(Exception cause, InternalActorRef perpetrator)
    {
        if (_failed || _waiting == WaitingFor.ChildrenBeforeEnd)
        {
            _cell.System.LogFailure(_cell, cause, "failed again before the first failure was dealt with");
            return;
        }

        _failed = true;
        _perpetrator = perpetrator;
        _cell.Mailbox.Suspend();
        foreach (ChildStats stats in _cell.Children.Snapshot())
            if (!stats.Child.Equals(perpetrator)) stats.Child.Suspend();
        _cell.Parent.SendSystemMessage(new Failed(_cell.Self, cause));
    }

    private bool MustWait(SystemMessage message) => message switch
    {
        Suspend or Resume or Recreate => _waiting != WaitingFor.Nothing,
        Failed => _waiting != WaitingFor.Nothing || _failed || _cell.AsyncHandlers.IsAwaiting,
        _ => false,
    };

    private void Dispatch(SystemMessage message)
    {
        switch (message)
        {
            case Create:
                Begin();
                break;
            case Suspend:
                _cell.Mailbox.Suspend();
                foreach (ChildStats stats in _cell.Children.Snapshot()) stats.Child.Suspend();
                break;
            case Resume resume:
                Continue(resume.CausedByFailure);
                break;
            case Recreate recreate:
                BeginRestart(recreate.Cause);
                break;
            case Terminate:
                BeginEnd();
                break;
            case ChildTerminated:
                OnChildTerminated();
                break;
            case Failed failed:
                Supervise(failed);
                break;
        }
    }

    private void Begin()
    {
        try
        {
            _cell.Actor = ActorFactory.Make(_cell);
            _cell.Actor.AroundPreStart();
            _cell.EndMessage();
        }
        catch (Exception e)
        {
            ActorFactory.Release(_cell);
            Fail(InitializationFailure(e, "Exception during creation"), perpetrator: null);
        }
    }

    private void Continue(Exception causedByFailure)
    {
        if (_cell.Actor is null)
        {
            // The failure was that of its making; there is no instance to go on with.
            BeginRestart(causedByFailure);
            return;
        }

        InternalActorRef perpetrator = _perpetrator;
        _cell.Mailbox.Resume();
        if (causedByFailure is not null)
        {
            ClearFailure();
            if (!_cell.AsyncHandlers.IsAwaiting) _cell.EndMessage();
        }

        foreach (ChildStats stats in _cell.Children.Snapshot())
            stats.Child.Resume(stats.Child.Equals(perpetrator) ? causedByFailure : null);
    }

    private void BeginRestart(Exception cause)
    {
        _restartCause = cause;
        _cell.AsyncHandlers.Abandon();
        _wasCreated = _cell.Actor is not null;
        if (_wasCreated)
        {
            Guard(() => _cell.Actor.AroundPreRestart(cause, _cell.CurrentMessage), "PreRestart");
            ActorFactory.Release(_cell);
        }
        else
        {
            foreach (ChildStats stats in _cell.Children.Snapshot()) _cell.Stop(stats.Child);
        }

        if (_cell.Children.AnyDying) _waiting = WaitingFor.ChildrenBeforeRestart;
        else FinishRestart();
    }

    private void FinishRestart()
    {
        _waiting = WaitingFor.Nothing;
        ChildStats[] survivors = _cell.Children.Snapshot();
        _cell.Mailbox.Resume();
        ClearFailure();
        try
        {
            _cell.Actor = ActorFactory.Make(_cell);
            if (_wasCreated) _cell.Actor.AroundPostRestart(_restartCause, _cell.CurrentMessage);
            else _cell.Actor.AroundPreStart();
            _cell.EndMessage();
            foreach (ChildStats stats in survivors) stats.Child.Restart(_restartCause);
        }
        catch (Exception e)
        {
            ActorFactory.Release(_cell);
            Fail(InitializationFailure(e, "Exception during restart"), perpetrator: null);
        }
    }

    private void BeginEnd()
    {
        if (_waiting == WaitingFor.ChildrenBeforeEnd) return;
        _waiting = WaitingFor.ChildrenBeforeEnd;
        _cell.Mailbox.Suspend();
        _cell.AsyncHandlers.Abandon();
        _cell.CancelReceiveTimeout();
        _cell.Children.Close();
        foreach (ChildStats stats in _cell.Children.Snapshot()) stats.Child.Stop();
        if (_cell.Children.Count == 0) FinishEnd();
    }

    private void FinishEnd()
    {
        if (_cell.Actor is not null) Guard(_cell.Actor.AroundPostStop, "PostStop");
        ActorFactory.Release(_cell);
        _cell.Mailbox.Close();
        (_cell.Parent as LocalActorRef)?.Cell.Children.Remove(_cell.Self);
        _cell.Parent.SendSystemMessage(new ChildTerminated(_cell.Self));
        _cell.DeathWatch.End();
        _cell.Detach();
    }

    private void OnChildTerminated()
    {
        if (_waiting == WaitingFor.ChildrenBeforeRestart && !_cell.Children.AnyDying) FinishRestart();
        else if (_waiting == WaitingFor.ChildrenBeforeEnd && _cell.Children.Count == 0) FinishEnd();
    }

    private void Supervise(Failed failed)
    {
        ChildStats stats = _cell.Children.Find(failed.Child);
        if (stats is null) return;

        object messageInWork = _cell.CurrentMessage;
        IActorRef sender = _cell.Sender;
        _cell.CurrentMessage = failed;
        _cell.Sender = failed.Child;
        try
        {
            SupervisorStrategy strategy = _cell.Props.SupervisorStrategy ?? _cell.Actor.Strategy;
            if (!strategy.HandleFailure(_cell, stats, failed.Cause))
            {
                Fail(failed.Cause, failed.Child);
                return;     // the failure is the message in work until the restart
            }
        }
        catch (Exception e)
        {
            Fail(e, failed.Child);
            return;
        }

        _cell.CurrentMessage = messageInWork;
        _cell.Sender = sender;
    }

    private void ClearFailure()
    {
        _failed = false;
        _perpetrator = null;
    }

    private ActorInitializationException InitializationFailure(Exception cause, string message) =>
        cause as ActorInitializationException ?? new ActorInitializationException(_cell.Self, message, cause);

    private void Guard(Action hook, string name)
    {
        try
        {
            hook();
        }
        catch (Exception e)
        {
            _cell.System.LogFailure(_cell, e, $"failed in {name}");
        }
    }
}

namespace Qcow2Target.Actors.Targets.Work;

/// <summary>Ends every session and takes nobody in meanwhile; goes on once no session is left.</summary>
internal sealed class EndSessionsWork(TargetSessions sessions, IActorRef client, Func<WorkStep> next) : TargetWork(client)
{
    public override WorkStep Begin()
    {
        sessions.EndAll("an operator's command ends it");
        return ContinueIfAlone();
    }

    public override WorkStep? Take(object message, IActorRef sender)
    {
        switch (message)
        {
            case NexusEnded ended:
                sessions.End(ended);
                return ContinueIfAlone();
            case ITargetSessionEvent happened:
                sessions.Take(happened);
                return ContinueIfAlone();
            case AdmitLogin:
                sender.Tell(new LoginRefused(3, 1, "sessions are being ended by an operator's command"));
                return WorkStep.Waits;
            default:
                return null;
        }
    }

    public override WorkStep MissDeadline() =>
        new WorkStep.Over(Refusals.Deadline("sessions to end: " + string.Join(", ", sessions.Nexuses.All.Select(s => s.Identity.Initiator))));

    private WorkStep ContinueIfAlone() => sessions.Nexuses.Count > 0 ? WorkStep.Waits : next();
}

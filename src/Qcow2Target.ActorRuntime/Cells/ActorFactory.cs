namespace Qcow2Target.ActorRuntime;

/// <summary>Makes and lets go of the incarnations of an actor.</summary>
internal static class ActorFactory
{
    public static ActorBase Make(ActorCell cell)
    {
        cell.ActorTimers = null;
        ActorBase actor = ActorBase.Construct(cell);
        if (actor is IActorStash stashing) stashing.Stash = new Stash(cell, cell.Props.StashCapacity);
        return actor;
    }

    /// <summary>The incarnation has ended: its timers too, what it stashed goes back to the mailbox.</summary>
    public static void Release(ActorCell cell)
    {
        cell.ActorTimers?.CancelAll();
        cell.ActorTimers = null;
        ActorBase actor = cell.Actor;
        cell.Actor = null;
        (actor as IActorStash)?.Stash?.UnstashAll();
        if (actor is not IDisposable disposable) return;
        try
        {
            disposable.Dispose();
        }
        catch (Exception e)
        {
            cell.System.LogFailure(cell, e, "failed in Dispose");
        }
    }
}

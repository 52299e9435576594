namespace Qcow2Target.ActorRuntime;

public static class GracefulStopSupport
{
    /// <summary>Lets the actor finish what it has been sent, then stops it. True once it has stopped, false when the time is up.</summary>
    public static Task<bool> GracefulStop(this IActorRef target, TimeSpan timeout) => target.GracefulStop(timeout, PoisonPill.Instance);

    /// <param name="target">Who is to stop.</param>
    /// <param name="timeout">How long to wait.</param>
    /// <param name="stopMessage">What makes it stop.</param>
    public static async Task<bool> GracefulStop(this IActorRef target, TimeSpan timeout, object stopMessage)
    {
        InternalActorRef actor = InternalActorRef.Of(target);
        var promise = new PromiseRef(actor.System);
        actor.SendSystemMessage(new Watch(promise));
        target.Tell(stopMessage, ActorRefs.NoSender);
        try
        {
            await promise.WithLimits(timeout, "Graceful stop timed out", default).ConfigureAwait(false);
            return true;
        }
        catch (AskTimeoutException)
        {
            actor.SendSystemMessage(new Unwatch(promise));
            return false;
        }
    }
}

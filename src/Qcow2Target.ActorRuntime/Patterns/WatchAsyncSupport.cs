namespace Qcow2Target.ActorRuntime;

public static class WatchAsyncSupport
{
    /// <summary>True once the actor has stopped, false when the token is cancelled before.</summary>
    public static async Task<bool> WatchAsync(this IActorRef target, CancellationToken token = default)
    {
        InternalActorRef actor = InternalActorRef.Of(target);
        var promise = new PromiseRef(actor.System);
        actor.SendSystemMessage(new Watch(promise));
        try
        {
            await promise.WithLimits(Timeout.InfiniteTimeSpan, "", token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            actor.SendSystemMessage(new Unwatch(promise));
            return false;
        }
    }
}

using System.Runtime.ExceptionServices;

namespace Qcow2Target.ActorRuntime;

/// <summary>Questions. A <see cref="Status.Failure"/> throws its cause unless a <see cref="Status"/> is asked for; without an answer in time: <see cref="AskTimeoutException"/>.</summary>
public static class Futures
{
    public static Task<object> Ask(this ICanTell self, object message, TimeSpan? timeout = null) => self.Ask<object>(message, timeout, default);

    public static Task<object> Ask(this ICanTell self, object message, CancellationToken cancellationToken) =>
        self.Ask<object>(message, null, cancellationToken);

    public static Task<object> Ask(this ICanTell self, object message, TimeSpan? timeout, CancellationToken cancellationToken) =>
        self.Ask<object>(message, timeout, cancellationToken);

    public static Task<T> Ask<T>(this ICanTell self, object message, TimeSpan? timeout = null) => self.Ask<T>(message, timeout, default);

    public static Task<T> Ask<T>(this ICanTell self, object message, CancellationToken cancellationToken) => self.Ask<T>(message, null, cancellationToken);

    public static Task<T> Ask<T>(this ICanTell self, object message, TimeSpan? timeout, CancellationToken cancellationToken) =>
        self.Ask<T>(_ => message, timeout, cancellationToken);

    /// <param name="self">Who is asked.</param>
    /// <param name="messageFactory">Makes the question from the ref that takes the answer.</param>
    /// <param name="timeout">Null: <c>akka.actor.ask-timeout</c>.</param>
    /// <param name="cancellationToken">Ends the wait with <see cref="TaskCanceledException"/>.</param>
    public static async Task<T> Ask<T>(this ICanTell self, Func<IActorRef, object> messageFactory, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(self);
        LocalActorSystem system = SystemOf(self) ?? throw new ArgumentException("Nobody cannot be asked.", nameof(self));
        var promise = new PromiseRef(system);
        self.Tell(messageFactory(promise), promise);
        TimeSpan limit = timeout ?? system.Settings.AskTimeout;
        object answer = await promise.WithLimits(limit, $"Timeout after {limit} seconds", cancellationToken).ConfigureAwait(false);
        return answer switch
        {
            Status.Failure failure when !typeof(Status).IsAssignableFrom(typeof(T)) => throw Rethrown(failure),
            T wanted => wanted,
            _ => throw new ArgumentException($"Received message of type [{answer.GetType()}] - Ask expected message of type [{typeof(T)}]"),
        };
    }

    /// <summary>The promise's result, or an exception when the time is up or the token cancelled.</summary>
    internal static async Task<object> WithLimits(this PromiseRef promise, TimeSpan limit, string onTimeout, CancellationToken cancellationToken)
    {
        if (limit == Timeout.InfiniteTimeSpan && !cancellationToken.CanBeCanceled) return await promise.Result.ConfigureAwait(false);
        using CancellationTokenRegistration cancel = cancellationToken.Register(() => promise.TrySetCanceled(cancellationToken));
        using var timer = new Timer(_ => promise.TrySetException(new AskTimeoutException(onTimeout)), null, limit, Timeout.InfiniteTimeSpan);
        return await promise.Result.ConfigureAwait(false);
    }

    internal static LocalActorSystem SystemOf(ICanTell target) => target switch
    {
        ActorSelection selection => selection.Anchor.System,
        IActorRef actor => InternalActorRef.Of(actor).System,
        _ => throw new ArgumentException($"Cannot ask {target.GetType()}.", nameof(target)),
    };

    private static Exception Rethrown(Status.Failure failure)
    {
        if (failure.Cause is null) return new InvalidOperationException("The answer is a failure without a cause.");
        ExceptionDispatchInfo.Throw(failure.Cause);
        return failure.Cause;
    }
}

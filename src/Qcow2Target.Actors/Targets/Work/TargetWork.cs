namespace Qcow2Target.Actors.Targets.Work;

/// <summary>
/// What a target does about its disks, from its start to its answer; a target has one in hand at a time. Each call tells what comes next.
/// Belongs to the target's actor and runs on its thread only.
/// </summary>
internal abstract class TargetWork(IActorRef? client)
{
    /// <summary>Who gets the answer, also where the target fails under the work; null where nobody waits.</summary>
    public IActorRef? Client => client;

    public abstract WorkStep Begin();

    /// <summary>Null: the message is none of this work's.</summary>
    public abstract WorkStep? Take(object message, IActorRef sender);

    /// <summary>Nothing has come for as long as a command may wait.</summary>
    public abstract WorkStep MissDeadline();
}

/// <summary>What comes next of a <see cref="TargetWork"/>.</summary>
internal abstract record WorkStep
{
    public static readonly WorkStep Waits = new Wait();
    public static readonly WorkStep WaitsAnew = new WaitAnew();

    private WorkStep()
    {
    }

    /// <summary>The next message, or the deadline that runs.</summary>
    public sealed record Wait : WorkStep;

    /// <summary>The same; the deadline counts from now.</summary>
    public sealed record WaitAnew : WorkStep;

    /// <summary>These changes are saved, and that LUNs have gone; then one of the two.</summary>
    public sealed record Save(IReadOnlyList<LunChange> Changes, Func<WorkStep> Saved, Func<string, WorkStep> NotSaved) : WorkStep;

    /// <summary>Another work goes on for the same client.</summary>
    public sealed record GoOn(TargetWork Next) : WorkStep;

    /// <summary>The work is over.</summary>
    /// <param name="Answer">What the client is told; null where it has been told, or there is none.</param>
    public sealed record Over(object? Answer) : WorkStep;

    /// <summary>The work is over, and so is the target.</summary>
    public sealed record Leave : WorkStep;
}

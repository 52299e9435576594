namespace Qcow2Target.Actors.Targets;

/// <summary>What waits until the state is on stable storage; the manager calls one of the two.</summary>
internal sealed record PendingSave(Action Saved, Action<string> NotSaved)
{
    /// <param name="client">Who is told.</param>
    /// <param name="success">What it is told.</param>
    /// <param name="failure">What it is told instead, of the reason.</param>
    /// <param name="undo">Before that.</param>
    public static PendingSave For(IActorRef client, Func<object> success, Func<string, object> failure, Action? undo = null) => new(
        () => client.Tell(success()),
        reason =>
        {
            undo?.Invoke();
            client.Tell(failure(reason));
        });

    /// <summary>The answer to a target about its LUNs; what it proposed learns of it first.</summary>
    public static PendingSave For(IActorRef target, long number, IReadOnlyList<LunProposal> proposals) => new(
        () =>
        {
            foreach (var proposal in proposals)
                proposal.Saved();
            target.Tell(new LunsSaved(number));
        },
        reason =>
        {
            foreach (var proposal in proposals)
                proposal.NotSaved();
            target.Tell(new LunsNotSaved(number, reason));
        });
}

namespace Qcow2Target.Actors.Targets;

/// <summary>
/// SETACCESS. Of one target one is in hand at a time and the others wait: each begins with rules that are saved, and what one that cannot be
/// saved goes back to is never older than what another was told to be in force. Belongs to the manager.
/// </summary>
/// <param name="accessOf">The rules of a target by its id, as they are published now; null where it has gone.</param>
/// <param name="save">Saves the state.</param>
/// <param name="log">Tells of changes.</param>
internal sealed class AccessChanges(Func<int, Published<AccessRules>?> accessOf, Action<PendingSave> save, ILoggingAdapter log)
{
    private readonly Dictionary<int, Queue<Request>> _waiting = [];   // by target id, while one is in hand

    public void Take(int targetId, ChangeAccess command, IActorRef client)
    {
        var request = new Request(command, client);
        if (_waiting.TryGetValue(targetId, out var queue))
        {
            queue.Enqueue(request);
            return;
        }
        _waiting.Add(targetId, new Queue<Request>([request]));
        BeginNext(targetId);
    }

    /// <summary>Those that wait are told so; one in hand is answered when its save has ended.</summary>
    public void RefuseWaiting(CommandRefused refusal)
    {
        foreach (var queue in _waiting.Values)
        {
            while (queue.TryDequeue(out var request))
                request.Client.Tell(refusal);
        }
    }

    private void BeginNext(int targetId)
    {
        while (_waiting[targetId].TryDequeue(out var request))
        {
            if (Begin(targetId, request) is not { } refusal)
                return;
            request.Client.Tell(refusal);
        }
        _waiting.Remove(targetId);
    }

    /// <summary>In force at once: what is taken away shall not be used while the disk is waited for.</summary>
    private CommandRefused? Begin(int targetId, Request request)
    {
        var target = request.Command.Target;
        if (accessOf(targetId) is not { } access)
            return Refusals.TargetDoesNotExist(target);
        var former = access.Value;
        var rules = request.Command.Change.ApplyTo(former);
        if (rules.FindContradiction() is { } contradiction)
            return new CommandRefused(RefusalReason.AccessContradicts, target.Shown, contradiction);
        access.Publish(rules);
        log.Info("access to {Target} changed: {Rules}", target.Shown, rules.ToString());
        save(new PendingSave(
            () =>
            {
                request.Client.Tell(accessOf(targetId) is null ? Refusals.TargetDoesNotExist(target) : new AccessChanged());
                BeginNext(targetId);
            },
            reason =>
            {
                accessOf(targetId)?.Publish(former);   // the target may have been built again: its rules of now
                log.Warning("access to {Target} is what it was: {Rules}", target.Shown, former.ToString());
                request.Client.Tell(Refusals.StateNotSaved(reason));
                BeginNext(targetId);
            }));
        return null;
    }

    private sealed record Request(ChangeAccess Command, IActorRef Client);
}

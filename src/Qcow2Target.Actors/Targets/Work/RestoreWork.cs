using Qcow2Target.Actors.Disks;

namespace Qcow2Target.Actors.Targets.Work;

/// <summary>Attaches again what the state file holds; over when each disk is ready or has failed once.</summary>
internal sealed class RestoreWork(RestoreLuns message, IActorRef manager, TargetDisks disks, Action publish) : TargetWork(client: null)
{
    private readonly HashSet<IActorRef> _waitingFor = [];
    private int _notReady;

    public override WorkStep Begin()
    {
        foreach (var stored in message.Luns)
        {
            var entry = disks.Start(stored);
            entry.Actor.Tell(new OpenDisk());
            _waitingFor.Add(entry.Actor);
        }
        publish();
        return WorkStep.Waits;
    }

    public override WorkStep? Take(object message, IActorRef sender)
    {
        if (!_waitingFor.Contains(sender))
            return null;
        switch (message)
        {
            case DiskOpened opened:
                disks.CameUp(opened);
                return Reported(sender);
            case DiskReadinessChanged { Readiness: DiskReadiness.Recovering } change:
                disks.ChangeReadiness(change);
                _notReady++;
                return Reported(sender);
            default:
                return null;
        }
    }

    /// <summary>The manager has a patience of its own.</summary>
    public override WorkStep MissDeadline() => WorkStep.Waits;

    private WorkStep Reported(IActorRef disk)
    {
        _waitingFor.Remove(disk);
        if (_waitingFor.Count > 0)
            return WorkStep.Waits;
        manager.Tell(new TargetRestored(message.Luns.Count - _notReady, _notReady));
        return new WorkStep.Over(null);
    }
}

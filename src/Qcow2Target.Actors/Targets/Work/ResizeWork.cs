using Qcow2Target.Actors.Disks;

namespace Qcow2Target.Actors.Targets.Work;

/// <summary>RESIZE: the disk grows, its initiators are told, then the client.</summary>
internal sealed class ResizeWork(LunEntry entry, long bytes, IActorRef client, TargetName target, TargetDisks disks) : TargetWork(client)
{
    private readonly LunProgress _progress = new([entry]);

    public override WorkStep Begin()
    {
        entry.Actor.Tell(new GrowDisk(bytes));
        return WorkStep.Waits;
    }

    public override WorkStep? Take(object message, IActorRef sender)
    {
        if (!sender.Equals(entry.Actor))
            return null;
        switch (message)
        {
            case DiskGrown grown:
                disks.Grown(grown.CapacityBytes);
                return new WorkStep.Over(new DiskResized(grown.CapacityBytes));
            case DiskNotGrown failed:
                return new WorkStep.Over(new CommandRefused(
                    failed.Reason, failed.Reason == RefusalReason.LogicalUnitNotReady ? target.Shown : entry.Path, failed.Explanation));
            default:
                return null;
        }
    }

    // Should it grow after all, DiskGrown tells of it later.
    public override WorkStep MissDeadline() =>
        _progress.HasAdvanced() ? WorkStep.WaitsAnew : new WorkStep.Over(Refusals.Deadline($"{entry.Path} to grow"));
}

using Qcow2Target.Actors.Disks;

namespace Qcow2Target.Actors.Targets.Work;

/// <summary>ATTACH: opens the image, saves, and brings the LUN before the initiators.</summary>
internal sealed class AttachWork(AttachDisk command, int lun, IActorRef client, LunTable luns, TargetDisks disks, Action publish) : TargetWork(client)
{
    private LunEntry _entry = null!;

    public override WorkStep Begin()
    {
        _entry = disks.Start(command, lun);
        publish();
        _entry.Actor.Tell(new OpenDisk(command.Pending));
        return WorkStep.Waits;
    }

    public override WorkStep? Take(object message, IActorRef sender) => message switch
    {
        DiskOpened opened when sender.Equals(_entry.Actor) => Opened(opened),
        DiskNotOpened failed when sender.Equals(_entry.Actor) => NotOpened(failed),
        _ => null,
    };

    public override WorkStep MissDeadline()
    {
        _entry.Readiness = DiskReadiness.Detaching;
        _entry.Actor.Tell(new CloseDisk(UnflushedData.Flush));
        publish();
        return new WorkStep.Over(Refusals.Deadline($"opening {command.DiskPath}"));
    }

    private WorkStep Opened(DiskOpened opened)
    {
        if (_entry.Serial is null && disks.FindHolder(luns.SerialNumberOf(_entry, opened), opened.File) is not null)
            luns.NameByPlace(_entry, opened);
        luns.MakeUnit(_entry, opened);
        if (disks.FindNamesake(_entry) is { } namesake)
            return new WorkStep.GoOn(new TakeBackWork(_entry, Client!, Refusals.SerialNumberInUse(_entry.SerialNumber!, namesake), disks));
        return new WorkStep.Save(
            [new LunChange.Proposed(_entry.Stored)],
            BringIntoService,
            reason => new WorkStep.GoOn(new TakeBackWork(_entry, Client!, Refusals.StateNotSaved(reason), disks)));
    }

    private WorkStep.Over NotOpened(DiskNotOpened failed)
    {
        disks.Drop(_entry);
        return new WorkStep.Over(new CommandRefused(failed.Reason, command.DiskPath, failed.Explanation));
    }

    private WorkStep.Over BringIntoService()
    {
        disks.BringIntoService(_entry);
        disks.ReportNew(_entry);
        return new WorkStep.Over(new DiskAttached(_entry.Lun));
    }
}

/// <summary>An attach that is refused when the image is open: it is closed, and then the refusal is told.</summary>
internal sealed class TakeBackWork(LunEntry entry, IActorRef client, CommandRefused refusal, TargetDisks disks) : TargetWork(client)
{
    public override WorkStep Begin()
    {
        entry.Readiness = DiskReadiness.Detaching;
        entry.Actor.Tell(new CloseDisk(UnflushedData.Flush));
        return WorkStep.Waits;
    }

    public override WorkStep? Take(object message, IActorRef sender)
    {
        if (message is not DiskClosed || !sender.Equals(entry.Actor))
            return null;
        disks.Drop(entry);
        return new WorkStep.Over(refusal);
    }

    public override WorkStep MissDeadline()
    {
        disks.NoteLate([entry.Path]);
        return new WorkStep.Over(Refusals.Detaching([entry.Path]));
    }
}

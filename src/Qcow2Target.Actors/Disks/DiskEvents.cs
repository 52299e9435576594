using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Actors.Disks;

/// <summary>What an operator is told of a disk's image: what an open found, and what went wrong since, each once for each open.</summary>
internal sealed class DiskEvents(ILoggingAdapter log, DiskPlace place)
{
    private string? _path;
    private bool _logFaultTold;

    public void Opened(ImageInfo image)
    {
        _path = image.Path;
        _logFaultTold = false;
        if (image.ClearsBitmaps)
            log.Warning("{Path} has dirty bitmaps: its first write makes them invalid, incremental backups of it begin anew", image.Path);
        var (finding, explanation) = (image.Pending.Finding, image.Pending.Explanation);
        if (finding is PendingFinding.Replayed or PendingFinding.LaidOver)
            log.Info("{Path}: {Explanation}", image.Path, explanation);
        else if (finding != PendingFinding.None)
            log.Warning("{Path}: {Explanation}", image.Path, explanation);
        if (image.Repair is { } repair)
            log.Warning("{Path} was not closed cleanly and is repaired: {Raised} refcounts raised, {Lowered} lowered, {Entries} entries changed{Rebuilt}", image.Path,
                repair.CountsRaised, repair.CountsLowered, repair.EntriesChanged, repair.HasNewRefcounts ? ", all refcounts made anew" : "");
    }

    public void LogFault(ImageFault missing)
    {
        if (_logFaultTold)
            return;
        _logFaultTold = true;
        log.Warning("{Place} ({Path}) is written without a pending log, new space waits for the disk: {Reason}", place, _path, missing.Message);
    }

    public void WriteProtected(ImageFault fault) =>
        log.Error("{Place} ({Path}) is write protected from now on: {Reason}", place, _path, fault.Message);

    public void NotBroughtToRest(ImageFault fault) =>
        log.Error("{Place} ({Path}) could not be brought to rest: {Reason}", place, _path, fault.Message);
}

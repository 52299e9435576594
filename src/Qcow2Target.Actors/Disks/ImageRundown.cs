using Qcow2Target.Actors.Targets;
using Qcow2Target.Qcow2.Image;

namespace Qcow2Target.Actors.Disks;

/// <summary>Lets an image go that is not served any more.</summary>
internal static class ImageRundown
{
    /// <summary>Waits until no job runs, answers what is left, and lets the file go. Runs beside the disk's actor, so that it ends whatever becomes of it.</summary>
    public static async Task RunAsync(ImageLease lease, ImageFault fault, DiskPlace place, TargetServices services)
    {
        lease.Jobs.Close();
        lease.Image.StopScan();
        await lease.Jobs.Completion.ConfigureAwait(false);
        lease.FailOutstanding(fault);
        await lease.Users.Completion.ConfigureAwait(false);
        await services.Threads.Run(() =>
        {
            lease.Dispose();
            return true;
        }).ConfigureAwait(false);
        var closed = lease.Image.Info;
        services.Images.Tell(new ImageReleased(closed.Path, closed.DataFile, place.ToString()), ActorRefs.NoSender);
    }
}

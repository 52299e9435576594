using Qcow2Target.Qcow2.Image;

namespace Qcow2Target.Qcow2.Check;

/// <summary>
/// Checks the metadata of an image that is being served, as <see cref="ImageChecker"/> does: everything that was linked is committed first, then
/// changes of metadata wait while the tables are read (about a second for each 100 GiB of data). Reads and writes in place go on. Host clusters
/// that are reserved for writes to come are no leaks.
/// </summary>
public abstract class CheckRequest : ImageRequest
{
    /// <summary>What was found; comes before <see cref="ImageRequest.Complete"/>, and not where that tells a fault.</summary>
    protected internal abstract void Report(CheckReport report);
}

using Qcow2Target.Qcow2.Image;

namespace Qcow2Target.Actors.Disks;

/// <summary>
/// An open image as long as it is served, with the gates that tell when nothing uses it any more: one for what initiators ask, one for
/// the writer's jobs. A disk that is recovered gets a new lease; the old one ends when it is quiet.
/// </summary>
public sealed class ImageLease(Qcow2Image image, ImageQueue queue) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly HashSet<IPortRequest> _outstanding = [];

    public Qcow2Image Image => image;

    public ImageQueue Queue => queue;

    /// <summary>Reads, writes and flushes under way.</summary>
    public WorkGate Users { get; } = new();

    /// <summary>Jobs of the writer under way.</summary>
    public WorkGate Jobs { get; } = new();

    internal void Add(IPortRequest request)
    {
        lock (_gate)
            _outstanding.Add(request);
    }

    /// <summary>True for whoever comes first to answer a request that was added; it is the only one who may.</summary>
    internal bool TryRemove(IPortRequest request)
    {
        lock (_gate)
            return _outstanding.Remove(request);
    }

    /// <summary>Answers every request that the writer will not answer any more. Only when no job runs: a job may still read a request's bytes.</summary>
    internal void FailOutstanding(ImageFault fault)
    {
        IPortRequest[] requests;
        lock (_gate)
            requests = [.. _outstanding];
        foreach (var request in requests)
            request.Fail(fault);
    }

    public void Dispose() => image.Dispose();
}

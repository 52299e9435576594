namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// The writer's part of the scan: where it was not complete when the image was opened it is a job, nothing of the image changes before its
/// end, and what it has learned is handed out then.
/// </summary>
internal sealed class ScanDuty
{
    private readonly StructureScan _scan;
    private readonly Qcow2Layer _layer;
    private readonly ClusterAllocator _allocator;
    private bool _hasBegun;

    internal ScanDuty(StructureScan scan, Qcow2Layer layer, ClusterAllocator allocator)
    {
        _scan = scan;
        _layer = layer;
        _allocator = allocator;
        if (scan.IsComplete) Conclude();
    }

    /// <summary>The image may be changed.</summary>
    internal bool IsDone { get; private set; }

    /// <summary>The job that finishes the scan; null: it is not needed, or was handed out already.</summary>
    internal ScanWork? Begin()
    {
        if (IsDone || _hasBegun) return null;
        _hasBegun = true;
        return new ScanWork(_scan);
    }

    /// <summary>Nobody waits for its end any more.</summary>
    internal void Cancel() => _scan.Cancel();

    /// <summary>The job has returned. It may have been cancelled: then nothing may be changed any more.</summary>
    internal void Finish(ScanWork work)
    {
        if (work.Fault is null && _scan.IsComplete) Conclude();
    }

    private void Conclude()
    {
        if (_scan.NotExclusive is { } shared)
        {
            _layer.Rules.NotExclusive = shared;
            // Tables that were read before that was known call such clusters their own.
            _layer.Map.Forget();
        }
        _allocator.Reclaim(_scan.Leaked);
        IsDone = true;
    }
}

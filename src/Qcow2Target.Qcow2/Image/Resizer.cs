using System.Buffers.Binary;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// Makes the disk larger, one request after the other, in an order in which a crash leaves the old size or the new one:
/// <code>
/// no step runs → commit → [larger L1 table: counts, content, header] → zeros behind the old end → commit → size in the header → readers see it
/// </code>
/// The commits and the zeroing are requests of its own that go the way of all others. Belongs to the writer.
/// </summary>
internal sealed class Resizer(Qcow2Layer layer, IBlockFile file, MetadataMap metadata, ClusterAllocator allocator, ClusterReleaser releaser, OperationQueue operations)
{
    private readonly Queue<ResizeRequest> _waiting = new();
    private ResizeRequest? _current;
    private Phase _phase;
    private Extent _place;

    private enum Phase
    {
        Idle,

        /// <summary>Steps that had begun are ending: what they prepare is written to the L1 table as it lies now.</summary>
        Quieting,

        /// <summary>What was linked so far is being committed.</summary>
        Committing,

        /// <summary>The L1 table is too small; a place for a larger one is being counted.</summary>
        Reserving,

        /// <summary>The place is counted; a commit that writes the old table may still run.</summary>
        Reserved,
        Moving,

        /// <summary>What lies behind the old end is being zeroed.</summary>
        Zeroing,
        Zeroed,

        /// <summary>The zeros are being committed.</summary>
        Settling,
        Settled,

        /// <summary>The header gets the new size.</summary>
        Sizing,
    }

    internal bool IsIdle => _current is null && _waiting.Count == 0;

    /// <summary>No step of a write or zeroing may begin.</summary>
    internal bool HoldsSteps => _phase is >= Phase.Quieting and <= Phase.Moving;

    /// <summary>No commit may begin.</summary>
    internal bool HoldsCommits => _phase is Phase.Reserved or Phase.Moving;

    internal void Add(ResizeRequest request) => _waiting.Enqueue(request);

    /// <summary>Goes on as far as it can without waiting.</summary>
    /// <param name="commitRuns">A commit is under way.</param>
    /// <param name="start">Takes the jobs that are to be run.</param>
    /// <param name="flush">Takes flushes for the next commit.</param>
    /// <exception cref="ImageFaultException">With <see cref="ImageFaultKind.Corrupt"/>: a write would hit other data.</exception>
    internal void Advance(bool commitRuns, Action<ImageWork> start, Action<FlushRequest> flush)
    {
        Phase before;
        do
        {
            before = _phase;
            while (_phase == Phase.Idle && _waiting.TryDequeue(out var request)) Begin(request);
            Step(commitRuns, start, flush);
        }
        while (_phase != before);
    }

    /// <summary>Counts were raised, or could not be.</summary>
    internal void Finish(RefcountWork work)
    {
        if (_phase != Phase.Reserving || (work.Kept.Count == 0 && work.Replaced is null)) return;
        if (work.Fault is { } fault) End(fault);
        else if (work.Kept.Count > 0) (_place, _phase) = (work.Kept, Phase.Reserved);
    }

    /// <summary>The L1 table was moved, or could not be. Returns a fault after which only opening anew can tell where it lies.</summary>
    internal ImageFault? Finish(MoveL1Work work)
    {
        if (work.Fault is { } fault)
        {
            if (!work.HeaderIsOld) return fault;
            metadata.Release(_place.First, _place.Count);
            allocator.GiveUp(_place);
            End(fault);
            return null;
        }
        var old = new Extent(layer.Map.L1Host.Value >> layer.Geometry.ClusterBits, layer.Geometry.ClustersIn((long)layer.Map.L1Count * sizeof(ulong)));
        layer.Map.MoveL1(work.Host, work.Entries);
        layer.Rules.Move(old, _place);
        metadata.Release(old.First, old.Count);
        var freed = new ExtentList();
        for (var cluster = old.First; cluster < old.End; cluster++) freed.Add(cluster);
        releaser.Add(freed);
        if (_current is not null) Zero();
        return null;
    }

    /// <summary>The size was written, or may have been. Returns a fault after which only opening anew can tell.</summary>
    internal ImageFault? FinishSize(HeaderWork work)
    {
        if (work.Fault is { } fault) return fault;
        if (_current is null) return null;
        layer.Grow(_current.Length);
        End(null);
        return null;
    }

    /// <summary>Everybody fails.</summary>
    internal void FailAll(ImageFault fault)
    {
        End(fault);
        while (_waiting.TryDequeue(out var request)) request.Complete(fault);
    }

    private long EntriesNeeded => layer.Geometry.L1EntriesFor(_current!.Length);

    private void Begin(ResizeRequest request)
    {
        if (FindRefusal(request.Length) is { } refusal)
        {
            request.Complete(refusal);
            return;
        }
        if (request.Length == layer.Length)
        {
            request.Complete(null);
            return;
        }
        (_current, _phase) = (request, Phase.Quieting);
    }

    private ImageFault? FindRefusal(long length)
    {
        if (length < layer.Length) return Unsupported($"a disk of {layer.Length} bytes cannot be made smaller ({length} bytes)");
        if (length % ClusterGeometry.SectorBytes != 0) return Unsupported($"{length} bytes are no multiple of {ClusterGeometry.SectorBytes}");
        if (length == layer.Length) return null;
        if (layer.Geometry.L1EntriesFor(length) > ImageHeader.MaxL1Bytes / sizeof(ulong))
            return new ImageFault(ImageFaultKind.LimitExceeded, $"{length} bytes need an L1 table of more than {ImageHeader.MaxL1Bytes >> 20} MiB: clusters of {layer.Geometry.ClusterBytes} bytes are too small");
        // A snapshot of version 2 does not tell the size that the disk had, and no entry of version 2 hides what a base has behind the end.
        if (layer.Geometry.Version < 3 && layer.Header.SnapshotCount > 0) return Unsupported("a version 2 image with snapshots cannot be resized");
        if (layer.Geometry.Version < 3 && layer.Backing?.Layer.Layer.Length > layer.Length)
            return Unsupported("a version 2 image cannot be resized while its backing file is longer than its disk");
        // Nothing makes the raw file longer.
        if (layer.DataFile is { IsRaw: true } data) return Unsupported($"an image with the raw external data file '{data.Path}' cannot be resized");
        return null;
    }

    private static ImageFault Unsupported(string message) => new(ImageFaultKind.NotSupported, message);

    private void Step(bool commitRuns, Action<ImageWork> start, Action<FlushRequest> flush)
    {
        switch (_phase)
        {
            case Phase.Quieting when !operations.HasRunning:
                _phase = Phase.Committing;
                flush(new CommitBarrier(fault => Continue(fault, Committed)));
                break;

            case Phase.Reserving when !allocator.IsWorking:
                if (allocator.ReserveRun(layer.Geometry.ClustersIn(EntriesNeeded * sizeof(ulong))) is { } work) start(work);
                else End(new ImageFault(ImageFaultKind.NoSpace, "the refcount table has its largest size and has no room for a larger L1 table"));
                break;

            case Phase.Reserved when !commitRuns:
                _phase = Phase.Moving;
                start(Move());
                break;

            case Phase.Zeroed:
                _phase = Phase.Settling;
                flush(new CommitBarrier(fault => Continue(fault, () => _phase = Phase.Settled)));
                break;

            case Phase.Settled:
                _phase = Phase.Sizing;
                start(new HeaderWork(file, ImageHeader.SizeField, (ulong)_current!.Length));
                break;
        }
    }

    private void Committed()
    {
        if (EntriesNeeded > layer.Map.L1Count) _phase = Phase.Reserving;
        else Zero();
    }

    private MoveL1Work Move()
    {
        if (metadata.Claim(_place.First, _place.Count, MetadataKind.L1Table) is { } taken)
            throw new ImageFaultException(new ImageFault(ImageFaultKind.Corrupt, $"host cluster {taken} was reserved for the L1 table and is metadata ({metadata[taken]})"));
        // Whole clusters, so that a later write of an entry needs no space.
        var bytes = new byte[_place.Count << layer.Geometry.ClusterBits];
        for (var i = 0; i < layer.Map.L1Count; i++) BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(i * sizeof(ulong)), layer.Map.L1Raw(i));
        var host = new HostOffset(_place.First << layer.Geometry.ClusterBits);
        return new MoveL1Work(file, new MetadataWrite(MetadataKind.L1Table, host.Value, bytes), host, (int)EntriesNeeded);
    }

    // Bytes of the last cluster behind the old end, what a longer base has there, what an entry there maps already.
    private void Zero()
    {
        _phase = Phase.Zeroing;
        operations.PlanFor(_current!.Length);
        operations.Add(new Operation(new Zeroing(layer.Length, _current.Length - layer.Length, fault => Continue(fault, () => _phase = Phase.Zeroed))));
    }

    private void Continue(ImageFault? fault, Action next)
    {
        if (_current is null) return;
        if (fault is null) next();
        else End(fault);
    }

    private void End(ImageFault? fault)
    {
        if (_current is not { } ended) return;
        (_current, _phase) = (null, Phase.Idle);
        operations.PlanFor(layer.Length);
        ended.Complete(fault);
    }

    private sealed class Zeroing(long offset, long length, Action<ImageFault?> completed) : ZeroRequest
    {
        public override long Offset => offset;

        public override long Length => length;

        public override ZeroSpace Space => ZeroSpace.Free;

        protected internal override void Complete(ImageFault? fault) => completed(fault);
    }
}

using System.Diagnostics.CodeAnalysis;
using Qcow2Target.Qcow2.Check;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// The one writer of an image's metadata: a state machine without a thread, a lock or a task of its own. All members are called by one
/// owner, one at a time (an actor; a deterministic driver in tests). The owner submits requests, calls <see cref="Drain"/>, runs what
/// <see cref="TryTakeWork"/> gives on worker threads, gives each back by <see cref="WorkDone"/> and drains again.
/// <para>
/// A write goes through four steps: <em>reserve</em> (host clusters whose count is durable), <em>fill</em> (data and copy-on-write edges, on a
/// worker), <em>link</em> (the cached entries; now it completes and is what reads see) and, later and together with others, <em>commit</em>.
/// </para>
/// </summary>
public sealed class MetadataWriter : IDisposable
{
    private readonly Qcow2Layer _layer;
    private readonly IBlockFile _file;
    private readonly WriteGate _gate;
    private readonly ClusterAllocator _allocator;
    private readonly ClusterReleaser _releaser;
    private readonly OperationQueue _operations;
    private readonly Resizer _resizer;
    private readonly OnlineChecker _checker;
    private readonly LinkJournal _journal;
    private readonly ScanDuty _scan;
    private readonly AnnouncementDuty _announcement;
    private readonly CommitDuty _commits;
    private readonly CloseSequence _closing;
    private readonly WriterJobs _jobs = new();
    private readonly Queue<ImageRequest> _submitted = new();
    private bool _countsFailed;

    internal MetadataWriter(Qcow2Layer layer, OpenedFile opened, StructureScan scan, WriteGate gate, PendingLogs? logs, TimeProvider time)
    {
        _layer = layer;
        Metadata = scan.Metadata;
        var file = _file = layer.DataFile is { } data ? new FileWithData(opened.File, data.File) : opened.File;
        _gate = gate;
        _allocator = new ClusterAllocator(layer.Geometry, file, scan.Refcounts, scan.Metadata);
        _scan = new ScanDuty(scan, layer, _allocator);
        _releaser = new ClusterReleaser(_allocator, gate.Epoch, layer.Geometry, file);
        var tables = new WriterTables(layer.Map, layer.Geometry);
        var committer = new Committer(layer, file, scan.Metadata, tables, _releaser);
        _journal = new LinkJournal(logs, layer.Header, layer.Geometry);
        var steps = new StepRunner(layer, file, scan.Metadata, _allocator, tables, committer, _releaser, _journal);
        _operations = new OperationQueue(layer.Geometry, tables, steps, _journal, time);
        _resizer = new Resizer(layer, file, scan.Metadata, _allocator, _releaser, _operations);
        _checker = new OnlineChecker(opened.File, _allocator, _operations);
        _announcement = new AnnouncementDuty(opened, layer, _journal, logs);
        _commits = new CommitDuty(committer, _operations, _journal, file, _jobs, time);
        _closing = new CloseSequence(gate, _commits, _allocator, _releaser, _journal, file, _jobs, () => _operations.Count == 0 && _resizer.IsIdle && _checker.IsIdle);
        OpenGate();
    }

    /// <summary>
    /// Why nothing more is written: a failed sync (<see cref="ImageFaultKind.WriteError"/>, or <see cref="ImageFaultKind.ReadError"/> where the
    /// scan could not read: close with <see cref="CloseMode.Abandon"/> and open anew), a contradiction (<see cref="ImageFaultKind.Corrupt"/>), or
    /// one that the scan found before anything was written (<see cref="ImageFaultKind.ReadOnly"/>). After a close: what kept the file from being complete. Null: all is well.
    /// </summary>
    public ImageFault? Fault { get; private set; }

    /// <summary>No request waits, no work runs or waits to be taken.</summary>
    public bool IsIdle => _submitted.Count + _operations.Count + _commits.FlushesWaiting + _jobs.Outstanding == 0 && _resizer.IsIdle && _checker.IsIdle;

    /// <summary>The close has ended: no work runs, the file is complete on disk unless <see cref="Fault"/> tells otherwise.</summary>
    public bool IsClosed => _closing.IsClosed;

    /// <summary>True: a bounded <see cref="Drain"/> has left something to decide (a zeroing of terabytes); call it again soon.</summary>
    public bool NeedsDrain { get; private set; }

    /// <summary>How long from now until <see cref="Tick"/> wants to be called; null: nothing is timed. To be asked after each <see cref="Drain"/>.</summary>
    public TimeSpan? NextTick
    {
        get
        {
            if (IsClosed || Fault is not null) return null;
            if (_releaser.IsWaiting || _closing.Polls) return WriterLimits.GracePoll;
            var retry = _operations.UntilRetry;
            if (_commits.UntilDue is not { } left) return retry;
            return retry < left ? retry : left;
        }
    }

    /// <summary>Collects a request; it is decided on by the next <see cref="Drain"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It does not lie inside the virtual size.</exception>
    public void Submit(ImageRequest request)
    {
        var (offset, length) = request switch
        {
            WriteRequest write => (write.Offset, (long)write.Data.Length),
            ZeroRequest zero => (zero.Offset, zero.Length),
            _ => (0L, 0L),
        };
        if (offset < 0 || length < 0 || offset > _layer.Length - length)
            throw new ArgumentOutOfRangeException(nameof(request), offset, $"{length} bytes do not lie inside the virtual size {_layer.Length}");
        _submitted.Enqueue(request);
    }

    /// <summary>Decides for all that was submitted and all work that came back. Never waits. Completes requests.</summary>
    public void Drain()
    {
        NeedsDrain = false;
        try
        {
            while (_jobs.TryTakeReturned(out var work)) Finish(work);
            Accept();
            if (Fault is null && !_closing.IsAbandoning)
            {
                if (NeedsScan && _scan.Begin() is { } scan) _jobs.Enqueue(scan);
                AdvanceResize();
                AdvanceOperations();
                AdvanceResize();
                AdvanceCheck();
                if (!_resizer.HoldsCommits) _commits.Advance();
                if (_releaser.Advance() is { } punch) _jobs.Enqueue(punch);
                Reserve();
                AdvanceCheck();
            }
            AdvanceClose();
        }
        catch (ImageFaultException exception)
        {
            Fail(exception.Fault);
        }
        if (Fault is { } why) FailAll(why);
    }

    /// <summary>The next job for a worker thread, if there is one now.</summary>
    public bool TryTakeWork([NotNullWhen(true)] out ImageWork? work) => _jobs.TryTakeReady(out work);

    /// <summary>A job whose <see cref="ImageWork.Execute"/> has returned. <see cref="Drain"/> must follow.</summary>
    public void WorkDone(ImageWork work) => _jobs.Return(work);

    /// <summary>Time has passed: commits what is due. <see cref="Drain"/> is part of it.</summary>
    public void Tick() => Drain();

    /// <summary>
    /// Turns new requests away (<see cref="ImageFaultKind.Closed"/>), finishes what was submitted, and brings the file to rest.
    /// <see cref="Drain"/> must follow. A second call may only turn <see cref="CloseMode.Commit"/> into <see cref="CloseMode.Abandon"/>.
    /// </summary>
    public void BeginClose(CloseMode mode)
    {
        // What stands in line was submitted before the close.
        if (_closing.Mode is null) Accept();
        _closing.Begin(mode);
        _gate.Shut();
        _operations.EndHold();
        if (_closing.IsAbandoning) _jobs.CancelReady(Abandoned);
    }

    /// <summary>Why the image is written without a pending log although there is a place for it: links wait for commits. Null: it is not.</summary>
    public ImageFault? LogFault => _announcement.LogFault;

    /// <summary>Lets the pending log go, whatever it holds. For the image, when no job runs any more.</summary>
    public void Dispose() => _journal.Log?.Dispose();

    /// <summary>Clusters that are reserved ahead at once. Tests take few, so that freed clusters are soon used again.</summary>
    internal int RefillClusters { get; set; } = WriterLimits.RefillClusters;

    /// <summary>How long a write or zeroing is held for space. Most tests want to see the fault at once.</summary>
    internal TimeSpan SpacePatience
    {
        set => _operations.SpacePatience = value;
    }

    /// <summary>Where all metadata lies.</summary>
    internal MetadataMap Metadata { get; }

    private void Accept()
    {
        while (_submitted.TryDequeue(out var request))
        {
            if (_closing.Mode is not null) request.Complete(new ImageFault(ImageFaultKind.Closed, "the image is being closed"));
            else if (Fault is not null) request.Complete(FaultFor(request, Fault));
            else if (request is WriteRequest write) _operations.Add(new Operation(write));
            else if (request is ZeroRequest zero) _operations.Add(new Operation(zero));
            else if (request is ResizeRequest resize) _resizer.Add(resize);
            else if (request is CheckRequest check) _checker.Add(check);
            else _commits.Add((FlushRequest)request);
        }
    }

    // Where nothing was ever written there is nothing to flush.
    internal static ImageFault? FaultFor(ImageRequest request, ImageFault fault) => request is FlushRequest && fault.Kind == ImageFaultKind.ReadOnly ? null : fault;

    private static ImageFault Abandoned => new(ImageFaultKind.Closed, "the image is closed without a commit");

    // A close waits for a scan only where somebody waits for a change.
    private bool NeedsScan => _closing.Mode is null || _operations.Count > 0 || !_resizer.IsIdle || !_checker.IsIdle;

    // In-place writes go on without us from here on.
    private void OpenGate()
    {
        if (_scan.IsDone && _announcement.AllowsInPlace && _closing.Mode is null && Fault is null) _gate.Open();
    }

    private void AdvanceOperations()
    {
        if (!_scan.IsDone) return;
        if (!_announcement.IsMade && (_operations.Count > 0 || !_resizer.IsIdle))
        {
            if (_announcement.Begin() is { } announcement) _jobs.Enqueue(announcement);
            return;
        }
        if (_resizer.HoldsSteps || _checker.HoldsSteps) return;
        if (_operations.Advance(_commits.LastFault, _jobs.Enqueue) is { } corrupt) throw new ImageFaultException(corrupt);
        NeedsDrain |= _operations.HasMore;
        _commits.NoteLinked();
    }

    private void AdvanceResize()
    {
        if (_scan.IsDone && _announcement.IsMade && !_checker.HoldsSteps) _resizer.Advance(_commits.IsRunning, _jobs.Enqueue, _commits.Add);
    }

    private void AdvanceCheck()
    {
        if (!_scan.IsDone) return;
        var othersAreIdle = !_commits.IsRunning && _resizer.IsIdle && !_announcement.IsRunning;
        var countsAreWritten = !_allocator.IsWorking && (!_allocator.HasWrites || _countsFailed);
        _checker.Advance(othersAreIdle, countsAreWritten && !_releaser.IsWaiting && !_releaser.IsPunching, _jobs.Enqueue, _commits.Add);
    }

    // Fetches reserved clusters before they run out, or writes counts that went down; one such job at a time.
    private void Reserve()
    {
        if (_allocator.IsWorking || _closing.LeavesCounts || !_scan.IsDone || _checker.HoldsCounts) return;
        var missing = _operations.ClustersWanted - _allocator.Available;
        var runsLow = _closing.Mode is null && !_countsFailed && _allocator.HasGivenOut && _allocator.Available < RefillClusters / WriterLimits.RefillBelowPart;
        if (missing > 0 || runsLow)
        {
            var amount = _closing.Mode is null ? Math.Max(missing, RefillClusters) : missing;
            if (_allocator.Reserve((int)amount) is { } work) _jobs.Enqueue(work);
            else FailForSpace(new ImageFault(ImageFaultKind.NoSpace, "the refcount table has its largest size and every cluster it reaches is used"));
        }
        else if (_allocator.HasWrites && !_countsFailed)
        {
            _jobs.Enqueue(_allocator.WriteCounts(RefcountDurability.Lazy));
        }
    }

    // What nobody waits for is not tried again and again.
    private void FailForSpace(ImageFault fault)
    {
        _countsFailed = true;
        _operations.FailForSpace(fault);
    }

    private void Finish(ImageWork work)
    {
        switch (work)
        {
            case FillWork fill: _operations.Finish(fill.Step, Fault ?? fill.Fault); break;
            case AppendWork append: _operations.Finish(append.Step, Fault ?? append.Fault); break;
            case LoadWork load: _operations.Finish(load); break;
            case CommitWork commit: _commits.Finish(commit, Fail); break;
            case RefcountWork counts: FinishCounts(counts); break;
            case PunchWork punch: _releaser.Finish(punch); break;
            case HeaderWork header: FinishHeader(header); break;
            case ScanWork scan: FinishScan(scan); break;
            case CheckWork check: _checker.Finish(check); break;
            case MoveL1Work move: FailIf(_resizer.Finish(move)); break;
            case AnnounceWork announcement: FinishAnnouncement(announcement); break;
            case UnmarkWork unmark: FinishUnmark(unmark); break;
        }
    }

    private void FinishCounts(RefcountWork counts)
    {
        var replaced = _allocator.Finish(counts);
        if (replaced is { } extent)
        {
            _layer.Rules.Move(extent, _allocator.Table);
            var freed = new ExtentList();
            for (var cluster = extent.First; cluster < extent.End; cluster++) freed.Add(cluster);
            _releaser.Add(freed);
        }
        _resizer.Finish(counts);
        _countsFailed = counts.Fault is not null;
        if (counts.Fault is not { } fault) return;
        // A sync of unknown fate, or a header that may point to either table: only opening anew can tell.
        if (counts.Stage == RefcountStage.Sync || (counts.Stage == RefcountStage.Pointers && counts.Replaced is not null)) Fail(fault);
        else if (fault.Kind == ImageFaultKind.NoSpace) _operations.HoldForSpace(fault);
        else FailForSpace(fault);
    }

    private void FinishScan(ScanWork scan)
    {
        _scan.Finish(scan);
        if (scan.Fault is not null && !_closing.IsAbandoning) Fail(scan.Fault);
        OpenGate();
    }

    private void FinishAnnouncement(AnnounceWork announcement)
    {
        _announcement.Finish(announcement);
        if (announcement.Fault is not { } fault)
        {
            OpenGate();
            return;
        }
        if (announcement.SyncFailed) Fail(fault);
        _operations.FailAll(fault);
        _resizer.FailAll(fault);
    }

    private void FinishHeader(HeaderWork header)
    {
        if (header.Word == ImageHeader.SizeField) FailIf(_resizer.FinishSize(header));
    }

    private void FailIf(ImageFault? fault)
    {
        if (fault is not null) Fail(fault);
    }

    private void FinishUnmark(UnmarkWork unmark)
    {
        if (unmark.Fault is { } fault) Fail(fault);
        else _journal.Unmarked();
    }

    // From here on nothing is written but, where the metadata is at fault, the bit that says so.
    private void Fail(ImageFault fault)
    {
        if (Fault is not null) return;
        Fault = fault;
        _gate.Shut();
        _scan.Cancel();
        _jobs.CancelReady(fault);
        if (fault.Kind == ImageFaultKind.Corrupt && _layer.Geometry.Version >= 3)
            _jobs.Enqueue(new HeaderWork(_file, ImageHeader.IncompatibleField, (ulong)(_layer.Header.Incompatible | IncompatibleFeatures.Corrupt)));
    }

    private void FailAll(ImageFault fault)
    {
        while (_jobs.TryTakeReturned(out var work)) Finish(work);
        FailWaiting(fault);
        AdvanceClose();
    }

    private void FailWaiting(ImageFault fault)
    {
        foreach (var step in _journal.TakeHeld()) _operations.Finish(step, fault);
        _operations.FailAll(fault);
        _resizer.FailAll(fault);
        _checker.FailAll(fault);
        _commits.FailWaiting(fault);
    }

    private void AdvanceClose()
    {
        if (_closing.Mode is null || IsClosed) return;
        if (!NeedsScan || _closing.IsAbandoning) _scan.Cancel();
        if (Fault is not null || _closing.IsAbandoning)
        {
            FailWaiting(Fault ?? Abandoned);
            _closing.Drop(Fault);
            return;
        }
        _closing.Advance();
    }
}

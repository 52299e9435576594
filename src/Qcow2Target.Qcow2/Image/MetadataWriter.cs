using System.Diagnostics.CodeAnalysis;
using Qcow2Target.Qcow2.Check;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Qcow2.Image;

/// <summary>What becomes of what is not yet durable when an image is closed.</summary>
public enum CloseMode
{
    /// <summary>Everything that completed is committed and synced, unused reservations are given back.</summary>
    Commit,

    /// <summary>What runs is waited for, nothing more is written: for an image that is about to be deleted, or that has failed.</summary>
    Abandon,
}

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
    private readonly OpenedFile _opened;
    private readonly IBlockFile _file;
    private readonly WriteGate _gate;
    private readonly TimeProvider _time;
    private readonly ClusterAllocator _allocator;
    private readonly ClusterReleaser _releaser;
    private readonly Committer _committer;
    private readonly OperationQueue _operations;
    private readonly Resizer _resizer;
    private readonly OnlineChecker _checker;
    private readonly PendingLogs? _logs;
    private readonly LinkJournal _journal;
    private readonly ScanDuty _scan;
    private readonly bool _keepsWord;

    private readonly Queue<ImageRequest> _submitted = new();
    private readonly Queue<ImageWork> _returned = new();
    private readonly Queue<ImageWork> _ready = new();
    private List<FlushRequest> _flushes = [];
    private int _outstanding;
    private Announcement _announcement;
    private bool _countsFailed;
    private ImageFault? _commitFault;
    private long? _oldestLinked;
    private CloseMode? _close;
    private ClosePhase _closePhase;
    private int _closeEpoch;

    internal MetadataWriter(Qcow2Layer layer, OpenedFile opened, StructureScan scan, WriteGate gate, PendingLogs? logs, TimeProvider time)
    {
        _layer = layer;
        Metadata = scan.Metadata;
        _opened = opened;
        var file = _file = layer.DataFile is { } data ? new FileWithData(opened.File, data.File) : opened.File;
        _gate = gate;
        _time = time;
        _allocator = new ClusterAllocator(layer.Geometry, file, scan.Refcounts, scan.Metadata);
        _scan = new ScanDuty(scan, layer, _allocator);
        _releaser = new ClusterReleaser(_allocator, gate.Epoch, layer.Geometry, file);
        var tables = new WriterTables(layer.Map, layer.Geometry);
        _committer = new Committer(layer, file, scan.Metadata, tables, _releaser);
        _logs = logs;
        _journal = new LinkJournal(logs, layer.Header, layer.Geometry);
        var steps = new StepRunner(layer, file, scan.Metadata, _allocator, tables, _committer, _releaser, _journal);
        _operations = new OperationQueue(layer.Geometry, tables, steps, _journal, time);
        _resizer = new Resizer(layer, file, scan.Metadata, _allocator, _releaser, _operations);
        _checker = new OnlineChecker(opened.File, _allocator, _operations);
        _keepsWord = layer.Header.Autoclear == layer.Header.KeptAutoclear;
        _announcement = _keepsWord && !_journal.NeedsLog ? Announcement.Made : Announcement.Due;
        OpenGate();
    }

    private enum Announcement
    {
        /// <summary>Autoclear bits go, or the mark of a pending log comes, durably, before the first change.</summary>
        Due,
        Running,
        Made,
    }

    private enum ClosePhase
    {
        /// <summary>What was submitted is finished.</summary>
        Finishing,

        /// <summary>In-place writes that had begun are leaving.</summary>
        Quiescing,
        Committing,

        /// <summary>Freed clusters are on their way.</summary>
        Releasing,

        /// <summary>Unused reservations are given back, and the last sync is made.</summary>
        GivingBack,

        /// <summary>The mark of the pending log goes, and the log with it.</summary>
        Unmarking,
        Closed,
    }

    /// <summary>
    /// Why nothing more is written: a failed sync (<see cref="ImageFaultKind.WriteError"/>, or <see cref="ImageFaultKind.ReadError"/> where the
    /// scan could not read: close with <see cref="CloseMode.Abandon"/> and open anew), a contradiction (<see cref="ImageFaultKind.Corrupt"/>), or
    /// one that the scan found before anything was written (<see cref="ImageFaultKind.ReadOnly"/>). After a close: what kept the file from being complete. Null: all is well.
    /// </summary>
    public ImageFault? Fault { get; private set; }

    /// <summary>No request waits, no work runs or waits to be taken.</summary>
    public bool IsIdle => _submitted.Count + _operations.Count + _flushes.Count + _outstanding == 0 && _resizer.IsIdle && _checker.IsIdle;

    /// <summary>The close has ended: no work runs, the file is complete on disk unless <see cref="Fault"/> tells otherwise.</summary>
    public bool IsClosed => _closePhase == ClosePhase.Closed;

    /// <summary>True: a bounded <see cref="Drain"/> has left something to decide (a zeroing of terabytes); call it again soon.</summary>
    public bool NeedsDrain { get; private set; }

    /// <summary>How long from now until <see cref="Tick"/> wants to be called; null: nothing is timed. To be asked after each <see cref="Drain"/>.</summary>
    public TimeSpan? NextTick
    {
        get
        {
            if (IsClosed || Fault is not null) return null;
            if (_releaser.IsWaiting || _closePhase == ClosePhase.Quiescing) return WriterLimits.GracePoll;
            var retry = _operations.UntilRetry;
            if (_oldestLinked is not { } since) return retry;
            var left = WriterLimits.CommitDelay - _time.GetElapsedTime(since);
            if (left < TimeSpan.Zero) left = TimeSpan.Zero;
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
            while (_returned.TryDequeue(out var work)) Finish(work);
            Accept();
            if (Fault is null && _close != CloseMode.Abandon)
            {
                if (NeedsScan && _scan.Begin() is { } scan) Enqueue(scan);
                AdvanceResize();
                AdvanceOperations();
                AdvanceResize();
                AdvanceCheck();
                Commit();
                Release();
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
    public bool TryTakeWork([NotNullWhen(true)] out ImageWork? work) => _ready.TryDequeue(out work);

    /// <summary>A job whose <see cref="ImageWork.Execute"/> has returned. <see cref="Drain"/> must follow.</summary>
    public void WorkDone(ImageWork work) => _returned.Enqueue(work);

    /// <summary>Time has passed: commits what is due. <see cref="Drain"/> is part of it.</summary>
    public void Tick() => Drain();

    /// <summary>
    /// Turns new requests away (<see cref="ImageFaultKind.Closed"/>), finishes what was submitted, and brings the file to rest.
    /// <see cref="Drain"/> must follow. A second call may only turn <see cref="CloseMode.Commit"/> into <see cref="CloseMode.Abandon"/>.
    /// </summary>
    public void BeginClose(CloseMode mode)
    {
        // What stands in line was submitted before the close.
        if (_close is null) Accept();
        _close = _close == CloseMode.Abandon ? CloseMode.Abandon : mode;
        _gate.Shut();
        _operations.EndHold();
        if (_close == CloseMode.Abandon) CancelReady(Abandoned);
    }

    /// <summary>Why the image is written without a pending log although there is a place for it: links wait for commits. Null: it is not.</summary>
    public ImageFault? LogFault { get; private set; }

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
            if (_close is not null) request.Complete(new ImageFault(ImageFaultKind.Closed, "the image is being closed"));
            else if (Fault is not null) request.Complete(FaultFor(request, Fault));
            else if (request is WriteRequest write) _operations.Add(new Operation(write));
            else if (request is ZeroRequest zero) _operations.Add(new Operation(zero));
            else if (request is ResizeRequest resize) _resizer.Add(resize);
            else if (request is CheckRequest check) _checker.Add(check);
            else _flushes.Add((FlushRequest)request);
        }
    }

    // Where nothing was ever written there is nothing to flush.
    private static ImageFault? FaultFor(ImageRequest request, ImageFault fault) => request is FlushRequest && fault.Kind == ImageFaultKind.ReadOnly ? null : fault;

    private static ImageFault Abandoned => new(ImageFaultKind.Closed, "the image is closed without a commit");

    private void Enqueue(ImageWork work)
    {
        _outstanding++;
        _ready.Enqueue(work);
    }

    // A close waits for a scan only where somebody waits for a change.
    private bool NeedsScan => _close is null || _operations.Count > 0 || !_resizer.IsIdle || !_checker.IsIdle;

    // In-place writes go on without us from here on. A mark announces new mappings; what is written in place does not need one.
    private void OpenGate()
    {
        if (_scan.IsDone && (_keepsWord || _announcement == Announcement.Made) && _close is null && Fault is null) _gate.Open();
    }

    private void AdvanceOperations()
    {
        if (!_scan.IsDone) return;
        if (_announcement != Announcement.Made && (_operations.Count > 0 || !_resizer.IsIdle))
        {
            if (_announcement == Announcement.Due) Enqueue(new AnnounceWork(_opened, _layer.Header, _layer.Geometry, _journal.NeedsLog ? _logs : null));
            _announcement = Announcement.Running;
            return;
        }
        if (_resizer.HoldsSteps || _checker.HoldsSteps) return;
        if (_operations.Advance(_commitFault, Enqueue) is { } corrupt) throw new ImageFaultException(corrupt);
        NeedsDrain |= _operations.HasMore;
        NoteLinked();
    }

    private void AdvanceResize()
    {
        if (_scan.IsDone && _announcement == Announcement.Made && !_checker.HoldsSteps) _resizer.Advance(_committer.Running is not null, Enqueue, _flushes.Add);
    }

    private void AdvanceCheck()
    {
        if (!_scan.IsDone) return;
        var othersAreIdle = _committer.Running is null && _resizer.IsIdle && _announcement != Announcement.Running;
        var countsAreWritten = !_allocator.IsWorking && (!_allocator.HasWrites || _countsFailed);
        _checker.Advance(othersAreIdle, countsAreWritten && !_releaser.IsWaiting && !_releaser.IsPunching, Enqueue, _flushes.Add);
    }

    private void NoteLinked()
    {
        if (_committer.HasLinked) _oldestLinked ??= _time.GetTimestamp();
    }

    private void Commit()
    {
        if (_committer.Running is not null || _resizer.HoldsCommits) return;
        var isDue = _oldestLinked is { } since && _time.GetElapsedTime(since) >= WriterLimits.CommitDelay;
        var isWanted = _committer.HasLinked && (_operations.WantsCommit || _journal.WantsCommit);
        if (_flushes.Count > 0 || isDue || isWanted || _journal.WantsToCommitHeld) BeginCommit();
        else if (!_committer.HasLinked) foreach (var work in _journal.WorkWhenCommitted(_file)) Enqueue(work);
    }

    private void BeginCommit()
    {
        _oldestLinked = null;
        var flushes = _flushes;
        _flushes = [];
        try
        {
            Enqueue(_committer.Begin(flushes, _journal.TakeForCommit(), _journal.Log));
        }
        catch (ImageFaultException exception)
        {
            foreach (var flush in flushes) flush.Complete(exception.Fault);
            throw;
        }
    }

    private void Release()
    {
        if (_releaser.Advance() is { } punch) Enqueue(punch);
    }

    // Fetches reserved clusters before they run out, or writes counts that went down; one such job at a time.
    private void Reserve()
    {
        if (_allocator.IsWorking || _closePhase > ClosePhase.Finishing || !_scan.IsDone || _checker.HoldsCounts) return;
        var missing = _operations.ClustersWanted - _allocator.Available;
        var runsLow = _close is null && !_countsFailed && _allocator.HasGivenOut && _allocator.Available < RefillClusters / WriterLimits.RefillBelowPart;
        if (missing > 0 || runsLow)
        {
            var amount = _close is null ? Math.Max(missing, RefillClusters) : missing;
            if (_allocator.Reserve((int)amount) is { } work) Enqueue(work);
            else FailForSpace(new ImageFault(ImageFaultKind.NoSpace, "the refcount table has its largest size and every cluster it reaches is used"));
        }
        else if (_allocator.HasWrites && !_countsFailed)
        {
            Enqueue(_allocator.WriteCounts(RefcountDurability.Lazy));
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
        _outstanding--;
        switch (work)
        {
            case FillWork fill: _operations.Finish(fill.Step, Fault ?? fill.Fault); break;
            case AppendWork append: _operations.Finish(append.Step, Fault ?? append.Fault); break;
            case LoadWork load: _operations.Finish(load); break;
            case CommitWork commit: FinishCommit(commit); break;
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

    private void FinishCommit(CommitWork commit)
    {
        foreach (var step in commit.First)
        {
            if (commit.Fault is null) _operations.FinishCommitted(step, commit.Released);
            else _operations.Finish(step, commit.Fault);
        }
        _committer.Finish(commit);
        _commitFault = commit.Fault;
        // Entries may be in the file that nobody sees: only opening anew can tell.
        if (commit.Fault is { } lost && commit.First.Count > 0) Fail(lost);
        if (commit.Fault is not null && _committer.HasLinked) _oldestLinked = _time.GetTimestamp();
        if (commit.SyncFailed) Fail(commit.Fault!);
        foreach (var flush in commit.Flushes) flush.Complete(commit.Fault);
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
        if (scan.Fault is not null && _close != CloseMode.Abandon) Fail(scan.Fault);
        OpenGate();
    }

    private void FinishAnnouncement(AnnounceWork announcement)
    {
        _journal.Begin(announcement.Log, announcement.Fault);
        if (announcement.Fault is not { } fault)
        {
            LogFault = announcement.LogFault;
            _announcement = Announcement.Made;
            OpenGate();
            return;
        }
        _announcement = Announcement.Due;
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
        CancelReady(fault);
        if (fault.Kind == ImageFaultKind.Corrupt && _layer.Geometry.Version >= 3)
            Enqueue(new HeaderWork(_file, ImageHeader.IncompatibleField, (ulong)(_layer.Header.Incompatible | IncompatibleFeatures.Corrupt)));
    }

    private void CancelReady(ImageFault fault)
    {
        foreach (var work in _ready)
        {
            work.Cancel(fault);
            _returned.Enqueue(work);
        }
        _ready.Clear();
    }

    private void FailAll(ImageFault fault)
    {
        while (_returned.TryDequeue(out var work)) Finish(work);
        FailWaiting(fault);
        AdvanceClose();
    }

    private void FailWaiting(ImageFault fault)
    {
        foreach (var step in _journal.TakeHeld()) _operations.Finish(step, fault);
        _operations.FailAll(fault);
        _resizer.FailAll(fault);
        _checker.FailAll(fault);
        foreach (var flush in _flushes) flush.Complete(FaultFor(flush, fault));
        _flushes.Clear();
    }

    private void AdvanceClose()
    {
        if (_close is null || IsClosed) return;
        if (!NeedsScan || _close == CloseMode.Abandon) _scan.Cancel();
        if (Fault is not null || _close == CloseMode.Abandon)
        {
            FailWaiting(Fault ?? Abandoned);
            if (_outstanding > 0) return;
            // What is dropped on purpose shall not come back; what a failure left behind is brought home by the next open.
            if (Fault is null && _journal.End(_file, MarkRemoval.Lazy) is { } unmark) Enqueue(unmark);
            else _closePhase = ClosePhase.Closed;
            return;
        }
        while (AdvanceClosePhase())
        {
        }
    }

    // True: the next phase has begun.
    private bool AdvanceClosePhase()
    {
        switch (_closePhase)
        {
            case ClosePhase.Finishing when _operations.Count + _flushes.Count == 0 && _resizer.IsIdle && _checker.IsIdle && _committer.Running is null && !_allocator.IsWorking:
                _closeEpoch = _gate.Epoch.Phase;
                _closePhase = ClosePhase.Quiescing;
                return true;

            case ClosePhase.Quiescing:
                _gate.Epoch.TryAdvance();
                _gate.Epoch.TryAdvance();
                if (_gate.Epoch.Phase - _closeEpoch < ReaderEpoch.GraceSteps) return false;
                BeginCommit();
                _closePhase = ClosePhase.Committing;
                return true;

            case ClosePhase.Committing when _committer.Running is null:
                if (_commitFault is { } fault) throw new ImageFaultException(fault);
                _closePhase = ClosePhase.Releasing;
                Release();
                return true;

            case ClosePhase.Releasing when !_releaser.IsWaiting && _outstanding == 0:
                _allocator.FreeReserved();
                Enqueue(_allocator.WriteCounts(RefcountDurability.Durable));
                _closePhase = ClosePhase.GivingBack;
                return true;

            case ClosePhase.GivingBack when _outstanding == 0:
                _closePhase = ClosePhase.Unmarking;
                if (_journal.End(_file, MarkRemoval.Durable) is { } unmark) Enqueue(unmark);
                return true;

            case ClosePhase.Unmarking when _outstanding == 0:
                _closePhase = ClosePhase.Closed;
                return false;

            default:
                return false;
        }
    }
}

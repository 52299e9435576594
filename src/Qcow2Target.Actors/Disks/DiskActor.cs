using Qcow2Target.Actors.Targets;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Actors.Disks;

/// <summary>
/// One attached image: opens it, is the one writer of its metadata, recovers it, closes it. Bytes go through its <see cref="DiskPort"/>.
/// <code>
/// Waiting → Opening → Serving → Faulted → Recovering → Serving        any → Closing → stopped
/// </code>
/// An incarnation that supervision has made anew begins in Faulted: what its forerunner had in hand is answered with the fault.
/// </summary>
public sealed class DiskActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan FirstBackoff = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LastBackoff = TimeSpan.FromSeconds(10);

    private readonly DiskPlace _place;
    private readonly string _path;
    private readonly ImageAccess _access;
    private readonly FirstOpen _firstOpen;
    private readonly DiskPort _port;
    private readonly TargetServices _services;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly DiskEvents _events;
    private Handover<ImageLease>? _delivery;
    private string? _openedPath;
    private bool _corruptTold;

    public DiskActor(DiskPlace place, string path, ImageAccess access, FirstOpen firstOpen, DiskPort port, TargetServices services)
    {
        _place = place;
        _path = path;
        _access = access;
        _firstOpen = firstOpen;
        _port = port;
        _services = services;
        _events = new DiskEvents(_log, place);
        Waiting();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props PropsFor(DiskPlace place, string path, ImageAccess access, FirstOpen firstOpen, DiskPort port, TargetServices services) =>
        Props.Create(() => new DiskActor(place, path, access, firstOpen, port, services));

    protected override void PreStart()
    {
        _port.Serve(Self);
        if (_port.Lease is not null)
            Fail("its actor was restarted");
    }

    // The image and its requests outlive this incarnation: they are the next one's to look after.
    protected override void PreRestart(Exception reason, object message)
    {
        _log.Error(reason, "{Place}: internal fault, the disk is recovered", _place);
        _delivery?.Abandon();
    }

    protected override void PostStop()
    {
        _delivery?.Abandon();
        _port.CloseForGood();
        if (_port.Lease is { } lease)
            _ = RunDownAsync(lease, new ImageFault(ImageFaultKind.Closed, "the disk's actor has ended"));
    }

    private void Waiting()
    {
        Receive<OpenDisk>(command =>
        {
            var client = Sender;
            RequestOpen(command.Pending);
            Become(() => Opening(client));
        });
        Receive<CloseDisk>(_ =>
        {
            Sender.Tell(new DiskClosed());
            Context.Stop(Self);
        });
        Receive<Drain>(_ => { });
        RefuseToAct();
    }

    private void RequestOpen(PendingRule pending)
    {
        _delivery = new Handover<ImageLease>();
        _services.Images.Tell(new OpenImage(_openedPath ?? _path, _access, _place.ToString(), pending, _delivery));
    }

    private void Opening(IActorRef client)
    {
        IActorRef? closer = null;
        var mode = UnflushedData.Flush;
        Receive<ImageOpened>(opened =>
        {
            var lease = TakeDelivery();
            Serve(lease);
            if (closer is not null)
            {
                Close(closer, mode);
                return;
            }
            client.Tell(Describe(lease, opened.File));
        });
        Receive<ImageNotOpened>(failed =>
        {
            _delivery = null;
            if (closer is not null)
                Closed(closer);
            else if (_firstOpen == FirstOpen.MustSucceed)
            {
                client.Tell(new DiskNotOpened(failed.Reason, failed.Explanation));
                Become(Waiting);
            }
            else
                StartRecovering(failed.Explanation);
        });
        Receive<CloseDisk>(command =>
        {
            closer = Sender;
            mode = command.Unflushed;
        });
        Receive<Drain>(_ => { });
        RefuseToAct();
    }

    private ImageLease TakeDelivery()
    {
        var lease = _delivery!.Take();
        _delivery = null;
        _openedPath = lease.Image.Info.Path;
        return lease;
    }

    private static DiskOpened Describe(ImageLease lease, StoredFile file) =>
        new(lease.Image.Info.Path, lease.Image.Info.Chain, lease.Image.Length, file);

    private void Serve(ImageLease lease)
    {
        _events.Opened(lease.Image.Info);
        _port.Begin(lease);
        Become(() => Serving(lease));
        // The writer may have a scan to finish.
        Self.Tell(Drain.Instance);
    }

    private void Serving(ImageLease lease)
    {
        Receive<Drain>(_ => Drive(lease));
        Receive<CommitTick>(_ =>
        {
            lease.Image.Writer!.Tick();
            Drive(lease);
        });
        Receive<CloseDisk>(command => Close(Sender, command.Unflushed));
        Receive<InspectDisk>(_ => _port.CheckAsync().PipeTo(Sender, Self,
            success: found => found.Report is { } report ? (object)new DiskChecked(report) : new CommandRefused(OpenFaults.ReasonOf(found.Fault!.Kind), _path, found.Fault.Message)));
        Receive<GrowDisk>(command => _port.ResizeAsync(command.Bytes).PipeTo(Sender, Self,
            success: fault => fault is null ? (object)new DiskGrown(command.Bytes) : new DiskNotGrown(OpenFaults.ReasonOf(fault.Kind), fault.Message)));
    }

    private void RefuseToAct()
    {
        Receive<InspectDisk>(_ => Sender.Tell(new CommandRefused(RefusalReason.DiskFault, _path, "its disk is not in service")));
        Receive<GrowDisk>(_ => Sender.Tell(new DiskNotGrown(RefusalReason.LogicalUnitNotReady, "its disk is not in service")));
    }

    /// <summary>Lets the writer decide for all that has gathered, and sends its jobs off.</summary>
    private void Drive(ImageLease lease)
    {
        if (lease.Image.Writer is not { } writer)
            return;
        Feed(lease, writer);
        if (writer.Fault is { } fault)
            Judge(fault);
        if (writer.LogFault is { } missing)
            _events.LogFault(missing);
    }

    private void Feed(ImageLease lease, MetadataWriter writer)
    {
        _port.TakeSignal();
        while (_port.TryTakeJobDone(out var job))
            writer.WorkDone(job);
        while (_port.TryTakeRequest(out var request))
            writer.Submit(request);
        writer.Drain();
        while (writer.TryTakeWork(out var work))
            _port.Run(lease, work);
        if (writer.NeedsDrain)
            Self.Tell(Drain.Instance);
        if (writer.NextTick is { } due)
            Timers.StartSingleTimer(CommitTick.Instance, CommitTick.Instance, due < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : due);
    }

    private void Judge(ImageFault fault)
    {
        if (fault.Kind is not (ImageFaultKind.Corrupt or ImageFaultKind.ReadOnly))
        {
            _port.NoteFailedSync();
            Fail(fault.Message);
            return;
        }
        if (_corruptTold)
            return;
        _corruptTold = true;
        _port.BecomeReadOnly();
        Context.Parent.Tell(new DiskReadinessChanged(_place.Lun, DiskReadiness.WriteProtected, fault.Message));
        _events.WriteProtected(fault);
    }

    // Faults

    private void Fail(string reason)
    {
        var lease = _port.Suspend()!;
        Context.Parent.Tell(new DiskReadinessChanged(_place.Lun, DiskReadiness.Recovering, reason));
        _log.Error("{Place} ({Path}) is taken out of service and recovered: {Reason}", _place, _path, reason);
        RunDownAsync(lease, new ImageFault(ImageFaultKind.WriteError, reason)).PipeTo(Self, Self, success: () => new RanDown());
        Become(() => Faulted(reason));
    }

    private Task RunDownAsync(ImageLease lease, ImageFault fault) => ImageRundown.RunAsync(lease, fault, _place, _services);

    private void Faulted(string reason)
    {
        IActorRef? closer = null;
        Receive<RanDown>(_ =>
        {
            _port.Clear();
            while (_port.TryTakeJobDone(out var _))
            {
                // Jobs of the image that is gone.
            }
            while (_port.TryTakeRequest(out var _))
            {
                // Answered with the fault already.
            }
            if (closer is not null)
                Closed(closer);
            else
                StartRecovering(reason);
        });
        Receive<CloseDisk>(_ => closer = Sender);
        Receive<Drain>(_ => _port.TakeSignal());
        Receive<CommitTick>(_ => { });
        RefuseToAct();
    }

    private void StartRecovering(string reason)
    {
        Context.Parent.Tell(new DiskReadinessChanged(_place.Lun, DiskReadiness.Recovering, reason));
        Become(() => Recovering(FirstBackoff));
        Timers.StartSingleTimer(RetryTick.Instance, RetryTick.Instance, FirstBackoff);
    }

    private void Recovering(TimeSpan backoff)
    {
        IActorRef? closer = null;
        Receive<RetryTick>(_ => RequestOpen(PendingRule.Keep));
        Receive<ImageOpened>(opened =>
        {
            var lease = TakeDelivery();
            _corruptTold = false;
            Serve(lease);
            if (closer is not null)
            {
                Close(closer, UnflushedData.Flush);
                return;
            }
            Context.Parent.Tell(Describe(lease, opened.File));
        });
        Receive<ImageNotOpened>(failed =>
        {
            _delivery = null;
            if (closer is not null)
            {
                Closed(closer);
                return;
            }
            Context.Parent.Tell(new DiskReadinessChanged(_place.Lun, DiskReadiness.Recovering, failed.Explanation));
            backoff = backoff * 2 < LastBackoff ? backoff * 2 : LastBackoff;
            Timers.StartSingleTimer(RetryTick.Instance, RetryTick.Instance, backoff);
        });
        Receive<CloseDisk>(_ =>
        {
            if (_delivery is null)
                Closed(Sender);
            else
                closer = Sender;
        });
        Receive<Drain>(_ => _port.TakeSignal());
        Receive<CommitTick>(_ => { });
        RefuseToAct();
    }

    // Closing

    /// <summary>New work is turned away; what is in hand ends; then the writer brings the file to rest; then the descriptor goes.</summary>
    private void Close(IActorRef client, UnflushedData unflushed)
    {
        _port.CloseForGood();
        var lease = _port.Lease!;
        lease.Users.Completion.PipeTo(Self, Self, success: () => new UsersGone());
        Become(() => Closing(client, unflushed, lease));
        Self.Tell(Drain.Instance);
    }

    private void Closing(IActorRef client, UnflushedData unflushed, ImageLease lease)
    {
        var resting = false;
        Receive<Drain>(_ => Continue());
        Receive<CommitTick>(_ => Continue());
        Receive<UsersGone>(_ =>
        {
            lease.Image.Writer?.BeginClose(unflushed == UnflushedData.Flush ? CloseMode.Commit : CloseMode.Abandon);
            resting = lease.Image.Writer is null;
            Continue();
        });
        Receive<RanDown>(_ =>
        {
            _port.Clear();
            Closed(client);
        });
        Receive<CloseDisk>(_ => client = Sender);
        RefuseToAct();

        void Continue()
        {
            if (lease.Image.Writer is { } writer)
            {
                Feed(lease, writer);
                if (!writer.IsClosed)
                    return;
                if (writer.Fault is { Kind: not ImageFaultKind.ReadOnly } fault)
                    _events.NotBroughtToRest(fault);
            }
            else if (!resting)
            {
                return;
            }
            if (lease.Jobs.IsClosed)
                return;
            RunDownAsync(lease, new ImageFault(ImageFaultKind.Closed, "the disk was detached")).PipeTo(Self, Self, success: () => new RanDown());
        }
    }

    private void Closed(IActorRef client)
    {
        _port.CloseForGood();
        client.Tell(new DiskClosed());
        Become(() =>
        {
            Receive<CloseDisk>(_ => Sender.Tell(new DiskClosed()));
            Receive<Drain>(_ => { });
            Receive<CommitTick>(_ => { });
            Receive<RetryTick>(_ => { });
            RefuseToAct();
        });
    }

    /// <summary>Something was laid down at the port.</summary>
    internal sealed record Drain
    {
        public static readonly Drain Instance = new();
    }

    private sealed record CommitTick
    {
        public static readonly CommitTick Instance = new();
    }

    private sealed record RetryTick
    {
        public static readonly RetryTick Instance = new();
    }

    private sealed record UsersGone;

    private sealed record RanDown;
}

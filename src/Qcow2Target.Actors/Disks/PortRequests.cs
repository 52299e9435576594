using Qcow2Target.Qcow2.Check;
using Qcow2Target.Qcow2.Image;

namespace Qcow2Target.Actors.Disks;

/// <summary>A request that waits for the image's writer and is answered exactly once, by the writer or by the disk's end.</summary>
internal interface IPortRequest
{
    void Fail(ImageFault fault);
}

/// <summary>The task that waits for a request, and its place in the lease: given back once, whoever answers.</summary>
internal sealed class PortTicket(ImageLease lease)
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    public Task Task => _done.Task;

    public void Answer(IPortRequest request, ImageFault? fault)
    {
        if (!lease.TryRemove(request))
            return;
        lease.Users.Exit();
        if (fault is null)
            _done.SetResult();
        else
            _done.SetException(DeviceFaults.From(fault));
    }
}

internal sealed class PortWrite(ImageLease lease, long offset, ReadOnlyMemory<byte> data, CancellationToken giveUp) : WriteRequest, IPortRequest
{
    public PortTicket Ticket { get; } = new(lease);

    public override long Offset => offset;

    public override ReadOnlyMemory<byte> Data => data;

    public override bool IsAbandoned => giveUp.IsCancellationRequested;

    public void Fail(ImageFault fault) => Ticket.Answer(this, fault);

    protected override void Complete(ImageFault? fault) => Ticket.Answer(this, fault);
}

internal sealed class PortZero(ImageLease lease, long offset, long length, ZeroSpace space, CancellationToken giveUp) : ZeroRequest, IPortRequest
{
    public PortTicket Ticket { get; } = new(lease);

    public override long Offset => offset;

    public override long Length => length;

    public override ZeroSpace Space => space;

    public override bool IsAbandoned => giveUp.IsCancellationRequested;

    public void Fail(ImageFault fault) => Ticket.Answer(this, fault);

    protected override void Complete(ImageFault? fault) => Ticket.Answer(this, fault);
}

/// <summary>Answered with a fault as a value: it is a command's, and no initiator waits for it.</summary>
internal sealed class PortResize(ImageLease lease, long length, Action<long> grown) : ResizeRequest, IPortRequest
{
    private readonly TaskCompletionSource<ImageFault?> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<ImageFault?> Task => _done.Task;

    public override long Length => length;

    public void Fail(ImageFault fault) => Complete(fault);

    protected override void Complete(ImageFault? fault)
    {
        if (!lease.TryRemove(this))
            return;
        if (fault is null)
            grown(length);
        lease.Users.Exit();
        _done.SetResult(fault);
    }
}

/// <summary>Answered with what was found, or with a fault: no initiator waits for it.</summary>
internal sealed class PortCheck(ImageLease lease) : CheckRequest, IPortRequest
{
    private readonly TaskCompletionSource<CheckAnswer> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CheckReport? _report;

    public Task<CheckAnswer> Task => _done.Task;

    public void Fail(ImageFault fault) => Complete(fault);

    protected override void Report(CheckReport report) => _report = report;

    protected override void Complete(ImageFault? fault)
    {
        if (!lease.TryRemove(this))
            return;
        lease.Users.Exit();
        _done.SetResult(new CheckAnswer(_report, fault));
    }
}

/// <summary>Exactly one of the two is there.</summary>
internal readonly record struct CheckAnswer(CheckReport? Report, ImageFault? Fault);

internal sealed class PortFlush(ImageLease lease) : FlushRequest, IPortRequest
{
    public PortTicket Ticket { get; } = new(lease);

    public void Fail(ImageFault fault) => Ticket.Answer(this, fault);

    protected override void Complete(ImageFault? fault) => Ticket.Answer(this, fault);
}

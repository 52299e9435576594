using Qcow2Target.Qcow2.Image;

namespace Qcow2Target.Qcow2.Tests.Image.Model;

/// <summary>Where a request of a test stands.</summary>
internal sealed class ModelOutcome
{
    internal bool IsDone { get; private set; }

    internal ImageFault? Fault { get; private set; }

    internal bool Succeeded => IsDone && Fault is null;

    /// <summary>Called when it completes.</summary>
    internal Action<ImageFault?>? Then { get; set; }

    internal void Complete(ImageFault? fault)
    {
        Assert.False(IsDone, "completed twice");
        Fault = fault;
        IsDone = true;
        Then?.Invoke(fault);
    }
}

internal sealed class ModelWrite(long offset, byte[] data) : WriteRequest
{
    internal ModelOutcome Outcome { get; } = new();

    public override long Offset => offset;

    public override ReadOnlyMemory<byte> Data => Outcome.IsDone ? throw new InvalidOperationException("data used after completion") : data;

    protected internal override void Complete(ImageFault? fault)
    {
        Outcome.Complete(fault);
        // The buffer is the caller's again, and the caller uses it for something else at once.
        data.AsSpan().Fill(0xEE);
    }
}

internal sealed class ModelZero(long offset, long length, ZeroSpace space) : ZeroRequest
{
    internal ModelOutcome Outcome { get; } = new();

    public override long Offset => offset;

    public override long Length => length;

    public override ZeroSpace Space => space;

    protected internal override void Complete(ImageFault? fault) => Outcome.Complete(fault);
}

internal sealed class ModelResize(long length) : ResizeRequest
{
    internal ModelOutcome Outcome { get; } = new();

    public override long Length => length;

    protected internal override void Complete(ImageFault? fault) => Outcome.Complete(fault);
}

internal sealed class ModelFlush : FlushRequest
{
    internal ModelOutcome Outcome { get; } = new();

    protected internal override void Complete(ImageFault? fault) => Outcome.Complete(fault);
}

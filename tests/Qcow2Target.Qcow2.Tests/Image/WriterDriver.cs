using Qcow2Target.Qcow2.Check;
using Qcow2Target.Qcow2.Image;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>What became of a request that a test submitted.</summary>
internal sealed class Outcome
{
    internal bool IsCompleted { get; private set; }

    internal ImageFault? Fault { get; private set; }

    internal bool Succeeded => IsCompleted && Fault is null;

    /// <summary>Called when it completes.</summary>
    internal Action<ImageFault?>? Then { get; set; }

    internal void Complete(ImageFault? fault)
    {
        Assert.False(IsCompleted, "completed twice");
        IsCompleted = true;
        Fault = fault;
        Then?.Invoke(fault);
    }
}

/// <summary>
/// Owns an image's writer in a test, on one thread: each turn runs one job to its end, gives one back, or drains, in an order that the
/// given generator chooses. Without one, jobs are run in the order in which they come.
/// </summary>
internal sealed class WriterDriver(Qcow2Image image, Random? random = null)
{
    private readonly List<ImageWork> _toRun = [];
    private readonly List<ImageWork> _toReturn = [];

    internal Qcow2Image Image => image;

    internal MetadataWriter Writer => image.Writer!;

    internal bool IsBusy => !Writer.IsIdle || Writer.NeedsDrain || Writer.NextTick == TimeSpan.FromMilliseconds(5);

    internal Outcome Write(long offset, ReadOnlyMemory<byte> data, Func<bool>? isAbandoned = null) => Submit(outcome => new Writing(offset, data, isAbandoned, outcome));

    internal Outcome Zero(long offset, long length, ZeroSpace space) => Submit(outcome => new Zeroing(offset, length, space, outcome));

    internal Outcome Flush() => Submit(outcome => new Flushing(outcome));

    internal Outcome Resize(long length) => Submit(outcome => new Resizing(length, outcome));

    /// <summary>What is found is handed to <paramref name="report"/>.</summary>
    internal Outcome Check(Action<CheckReport> report) => Submit(outcome => new Checking(report, outcome));

    /// <summary>One thing happens.</summary>
    internal void Turn()
    {
        while (Writer.TryTakeWork(out var work)) _toRun.Add(work);
        switch (random?.Next(3) ?? 0)
        {
            case 0 when _toRun.Count > 0:
                var running = Take(_toRun);
                running.Execute();
                _toReturn.Add(running);
                if (random is null) Return();
                break;
            case <= 1 when _toReturn.Count > 0:
                Return();
                if (random?.Next(2) != 0) Writer.Drain();
                break;
            default:
                Writer.Drain();
                break;
        }
        if (random is null) Writer.Drain();
    }

    /// <summary>Until nothing is left to be done.</summary>
    internal void RunAll()
    {
        for (var turns = 0; IsBusy || _toRun.Count + _toReturn.Count > 0; turns++)
        {
            Assert.True(turns < 2_000_000, "it never comes to rest");
            Turn();
        }
    }

    /// <summary>Write where that is possible at once, else by a request; runs to the end.</summary>
    internal void WriteThrough(long offset, ReadOnlyMemory<byte> data)
    {
        if (image.TryWrite(offset, data.Span)) return;
        var outcome = Write(offset, data);
        RunAll();
        Assert.True(outcome.Succeeded, outcome.Fault?.Message);
    }

    internal void Close(CloseMode mode = CloseMode.Commit)
    {
        Writer.BeginClose(mode);
        for (var turns = 0; !Writer.IsClosed; turns++)
        {
            Assert.True(turns < 2_000_000, "it never closes");
            Turn();
        }
        image.Dispose();
    }

    private void Return()
    {
        Writer.WorkDone(Take(_toReturn));
    }

    private ImageWork Take(List<ImageWork> list)
    {
        var index = random?.Next(list.Count) ?? 0;
        var work = list[index];
        list.RemoveAt(index);
        return work;
    }

    private Outcome Submit(Func<Outcome, ImageRequest> make)
    {
        var outcome = new Outcome();
        Writer.Submit(make(outcome));
        return outcome;
    }

    private sealed class Writing(long offset, ReadOnlyMemory<byte> data, Func<bool>? isAbandoned, Outcome outcome) : WriteRequest
    {
        public override bool IsAbandoned => isAbandoned?.Invoke() ?? false;

        public override long Offset => offset;

        public override ReadOnlyMemory<byte> Data => data;

        protected internal override void Complete(ImageFault? fault) => outcome.Complete(fault);
    }

    private sealed class Zeroing(long offset, long length, ZeroSpace space, Outcome outcome) : ZeroRequest
    {
        public override long Offset => offset;

        public override long Length => length;

        public override ZeroSpace Space => space;

        protected internal override void Complete(ImageFault? fault) => outcome.Complete(fault);
    }

    private sealed class Flushing(Outcome outcome) : FlushRequest
    {
        protected internal override void Complete(ImageFault? fault) => outcome.Complete(fault);
    }

    private sealed class Resizing(long length, Outcome outcome) : ResizeRequest
    {
        public override long Length => length;

        protected internal override void Complete(ImageFault? fault) => outcome.Complete(fault);
    }

    private sealed class Checking(Action<CheckReport> report, Outcome outcome) : CheckRequest
    {
        protected internal override void Report(CheckReport found) => report(found);

        protected internal override void Complete(ImageFault? fault) => outcome.Complete(fault);
    }
}

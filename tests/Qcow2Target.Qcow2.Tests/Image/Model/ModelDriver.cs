using Qcow2Target.Qcow2.Image;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Image.Model;

/// <summary>
/// The owner of a writer, on one thread: takes jobs, runs them and gives them back in an order that a random generator chooses, so that every
/// interleaving of whole jobs can happen and a seed repeats it.
/// </summary>
internal sealed class ModelDriver(MetadataWriter writer, Random random, ManualTime time)
{
    private const int StepLimit = 20_000;

    private readonly List<ImageWork> _taken = [];
    private readonly List<ImageWork> _executed = [];
    private bool _mustDrain;

    internal MetadataWriter Writer => writer;

    /// <summary>Jobs that are taken or run and not given back.</summary>
    internal int Outstanding => _taken.Count + _executed.Count;

    internal ModelOutcome Write(long offset, byte[] data)
    {
        var request = new ModelWrite(offset, data);
        Submit(request);
        return request.Outcome;
    }

    internal ModelOutcome Zero(long offset, long length, ZeroSpace space)
    {
        var request = new ModelZero(offset, length, space);
        Submit(request);
        return request.Outcome;
    }

    internal ModelOutcome Resize(long length)
    {
        var request = new ModelResize(length);
        Submit(request);
        return request.Outcome;
    }

    internal ModelOutcome Flush()
    {
        var request = new ModelFlush();
        Submit(request);
        return request.Outcome;
    }

    /// <summary>One random step. False: there was nothing to do but to wait for time.</summary>
    internal bool Step()
    {
        if (random.Next(64) == 0) time.Advance(TimeSpan.FromMilliseconds(random.Next(3000)));
        switch (random.Next(6))
        {
            case 0 when writer.NextTick is { } due && due <= TimeSpan.Zero:
                writer.Tick();
                _mustDrain = false;
                return true;
            case 1 when _executed.Count > 0:
                GiveBack(random.Next(_executed.Count));
                return true;
            case 2 when _taken.Count > 0:
                Execute(random.Next(_taken.Count));
                return true;
            case 3 when writer.TryTakeWork(out var work):
                _taken.Add(work);
                return true;
            case 4 or 5 when _mustDrain || writer.NeedsDrain:
                Drain();
                return true;
        }
        // What the dice chose is not possible now: do the first that is.
        if (_executed.Count > 0 && random.Next(2) == 0) GiveBack(random.Next(_executed.Count));
        else if (_taken.Count > 0 && random.Next(2) == 0) Execute(random.Next(_taken.Count));
        else if (_mustDrain || writer.NeedsDrain) Drain();
        else if (writer.TryTakeWork(out var work)) _taken.Add(work);
        else if (_taken.Count > 0) Execute(random.Next(_taken.Count));
        else if (_executed.Count > 0) GiveBack(random.Next(_executed.Count));
        else if (writer.NextTick is { } due && due <= TimeSpan.Zero) writer.Tick();
        else return false;
        return true;
    }

    /// <summary>Steps until <paramref name="done"/>; lets time pass where nothing else is left to do.</summary>
    internal void RunUntil(Func<bool> done, string what)
    {
        for (var step = 0; !done(); step++)
        {
            if (step > StepLimit) throw new TimeoutException($"not after {StepLimit} steps: {what}; {Describe()}");
            if (Step()) continue;
            if (writer.NextTick is null && !done()) throw new InvalidOperationException($"nothing to do any more, and not: {what}; {Describe()}");
            time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    /// <summary>Until nothing is waited for but the timer.</summary>
    internal void RunUntilQuiet()
    {
        for (var step = 0; Step(); step++) if (step > StepLimit) throw new TimeoutException($"never quiet; {Describe()}");
        Assert.True(writer.IsIdle, $"nothing to do, but not idle; {Describe()}");
    }

    internal void Finish(ModelOutcome outcome, string what) => RunUntil(() => outcome.IsDone, what);

    internal void Close(CloseMode mode)
    {
        writer.BeginClose(mode);
        _mustDrain = true;
        RunUntil(() => writer.IsClosed, $"closed ({mode})");
        Assert.Equal(0, Outstanding);
        Assert.False(writer.TryTakeWork(out _), "a closed writer has work");
    }

    private string Describe() => $"taken {_taken.Count}, executed {_executed.Count}, idle {writer.IsIdle}, fault {writer.Fault}, next tick {writer.NextTick}";

    private void Submit(ImageRequest request)
    {
        writer.Submit(request);
        _mustDrain = true;
    }

    private void Drain()
    {
        _mustDrain = false;
        writer.Drain();
    }

    private void Execute(int index)
    {
        var work = _taken[index];
        _taken.RemoveAt(index);
        work.Execute();
        _executed.Add(work);
    }

    private void GiveBack(int index)
    {
        var work = _executed[index];
        _executed.RemoveAt(index);
        writer.WorkDone(work);
        _mustDrain = true;
    }
}

using System.Collections.Concurrent;
using Qcow2Target.Qcow2.Image;

namespace Qcow2Target.Qcow2.Tests.Image.Model;

/// <summary>The owner of a writer as the daemon has it: one thread that drives it, others that run its jobs, callers that wait for their requests.</summary>
internal sealed class ThreadedOwner : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly MetadataWriter _writer;
    private readonly BlockingCollection<Action> _mailbox = [];
    private readonly BlockingCollection<ImageWork> _jobs = [];
    private readonly Thread[] _threads;
    private volatile Exception? _failure;

    internal ThreadedOwner(MetadataWriter writer, int workers)
    {
        _writer = writer;
        _threads = [new Thread(Drive) { Name = "owner" }, .. Enumerable.Range(0, workers).Select(index => new Thread(Work) { Name = $"worker {index}" })];
        foreach (var thread in _threads) thread.Start();
    }

    /// <summary>Submits and blocks until it completed.</summary>
    internal ImageFault? Do(ImageRequest request, ModelOutcome outcome)
    {
        var done = new TaskCompletionSource<ImageFault?>(TaskCreationOptions.RunContinuationsAsynchronously);
        outcome.Then = done.SetResult;
        _mailbox.Add(() => _writer.Submit(request));
        if (!done.Task.Wait(Limit)) throw new TimeoutException($"a {request.GetType().Name} did not complete in {Limit.TotalSeconds} s; failure of the owner: {_failure}");
        return done.Task.Result;
    }

    internal void Close(CloseMode mode)
    {
        var closed = new TaskCompletionSource();
        _mailbox.Add(() => _writer.BeginClose(mode));
        // Looked at after each message; the grace poll of the owner's loop keeps it going.
        _mailbox.Add(Look);
        if (!closed.Task.Wait(Limit)) throw new TimeoutException($"not closed in {Limit.TotalSeconds} s; failure of the owner: {_failure}");

        void Look()
        {
            if (_writer.IsClosed) closed.SetResult();
            else Task.Run(() => _mailbox.Add(Look));
        }
    }

    public void Dispose()
    {
        _mailbox.CompleteAdding();
        _jobs.CompleteAdding();
        foreach (var thread in _threads) Assert.True(thread.Join(Limit), $"{thread.Name} does not end");
        Assert.Null(_failure);
    }

    private void Drive()
    {
        try
        {
            while (!_mailbox.IsCompleted)
            {
                var wait = _writer.NeedsDrain ? TimeSpan.Zero : _writer.NextTick is { } tick ? tick < TimeSpan.Zero ? TimeSpan.Zero : tick : TimeSpan.FromMilliseconds(20);
                if (_mailbox.TryTake(out var message, wait)) message();
                while (_mailbox.TryTake(out message)) message();
                if (_writer.NextTick is { } due && due <= TimeSpan.Zero) _writer.Tick();
                else _writer.Drain();
                while (_writer.TryTakeWork(out var work)) _jobs.Add(work);
            }
        }
        catch (Exception exception)
        {
            _failure = exception;
        }
    }

    private void Work()
    {
        try
        {
            foreach (var job in _jobs.GetConsumingEnumerable())
            {
                job.Execute();
                _mailbox.Add(() => _writer.WorkDone(job));
            }
        }
        catch (Exception exception)
        {
            _failure = exception;
        }
    }
}

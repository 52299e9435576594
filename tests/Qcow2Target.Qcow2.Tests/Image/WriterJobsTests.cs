using Qcow2Target.Qcow2.Image;

namespace Qcow2Target.Qcow2.Tests.Image;

public sealed class WriterJobsTests
{
    private readonly WriterJobs _jobs = new();

    [Fact]
    public void A_job_is_outstanding_until_its_return_was_looked_at()
    {
        var work = new NothingWork();
        _jobs.Enqueue(work);
        Assert.True(_jobs.TryTakeReady(out var taken));
        Assert.Same(work, taken);
        Assert.False(_jobs.TryTakeReady(out _));
        _jobs.Return(taken);
        Assert.Equal(1, _jobs.Outstanding);
        Assert.True(_jobs.TryTakeReturned(out var returned));
        Assert.Same(work, returned);
        Assert.Equal(0, _jobs.Outstanding);
        Assert.False(_jobs.TryTakeReturned(out _));
        Assert.Equal(0, _jobs.Outstanding);
    }

    [Fact]
    public void What_no_worker_has_taken_comes_back_with_the_fault_and_what_one_has_does_not()
    {
        var (running, waiting) = (new NothingWork(), new NothingWork());
        _jobs.Enqueue(running);
        _jobs.Enqueue(waiting);
        Assert.True(_jobs.TryTakeReady(out _));
        var fault = new ImageFault(ImageFaultKind.WriteError, "a sync failed");
        _jobs.CancelReady(fault);

        Assert.False(_jobs.TryTakeReady(out _));
        Assert.True(_jobs.TryTakeReturned(out var returned));
        Assert.Same(waiting, returned);
        Assert.Same(fault, waiting.Fault);
        Assert.Equal(1, _jobs.Outstanding);
        Assert.False(_jobs.TryTakeReturned(out _));
    }

    private sealed class NothingWork : ImageWork
    {
        private protected override void Run()
        {
        }
    }
}

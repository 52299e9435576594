using Qcow2Target.Actors.Disks;
using Qcow2Target.Testing;

namespace Qcow2Target.Actors.Tests.Disks;

public sealed class ImageQueueTests
{
    [Fact]
    public void An_image_has_at_most_eight_calls_under_way_and_the_rest_wait()
    {
        var queue = new ImageQueue(new DeviceThreads("test"));
        var hold = new ManualResetEventSlim();
        var blocked = Enumerable.Range(0, 20).Select(_ => new HeldWork(hold)).ToArray();
        foreach (var work in blocked)
            queue.Enqueue(work);
        Eventually.Now(() => blocked.Count(w => w.HasStarted) == ImageQueue.MaxAtOnce);
        Assert.Equal(ImageQueue.MaxAtOnce, blocked.Count(w => w.HasStarted));
        hold.Set();
        Eventually.Now(() => blocked.All(w => w.HasEnded));
    }

    [Fact]
    public void A_device_that_hangs_leaves_the_threads_of_another_alone()
    {
        var hold = new ManualResetEventSlim();
        var dead = new ImageQueue(new DeviceThreads("dead"));
        var alive = new ImageQueue(new DeviceThreads("alive"));
        for (var i = 0; i < 10; i++)
            dead.Enqueue(new HeldWork(hold));
        var work = new HeldWork(null);
        alive.Enqueue(work);
        Eventually.Now(() => work.HasEnded);
        hold.Set();
    }

    [Fact]
    public void Another_image_on_the_same_device_still_gets_threads()
    {
        var hold = new ManualResetEventSlim();
        var threads = new DeviceThreads("shared");
        var busy = new ImageQueue(threads);
        var other = new ImageQueue(threads);
        for (var i = 0; i < 100; i++)
            busy.Enqueue(new HeldWork(hold));
        var work = new HeldWork(null);
        other.Enqueue(work);
        Eventually.Now(() => work.HasEnded);
        hold.Set();
    }

    [Fact]
    public void Much_work_from_many_threads_is_all_done()
    {
        var queue = new ImageQueue(new DeviceThreads("many"));
        var works = Enumerable.Range(0, 5000).Select(_ => new HeldWork(null)).ToArray();
        Parallel.ForEach(works, queue.Enqueue);
        Eventually.Now(() => works.All(w => w.HasEnded));
    }

    private sealed class HeldWork(ManualResetEventSlim? hold) : BlockingWork
    {
        private volatile bool _started;
        private volatile bool _ended;

        public bool HasStarted => _started;

        public bool HasEnded => _ended;

        public override void Run()
        {
            _started = true;
            hold?.Wait(TimeSpan.FromSeconds(30));
            _ended = true;
        }
    }
}

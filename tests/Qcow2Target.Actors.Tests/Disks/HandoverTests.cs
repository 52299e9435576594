using Qcow2Target.Actors.Disks;

namespace Qcow2Target.Actors.Tests.Disks;

public sealed class HandoverTests
{
    [Fact]
    public void What_is_delivered_is_taken_once()
    {
        var handover = new Handover<Thing>();
        var thing = new Thing();
        handover.Deliver(thing);
        Assert.Same(thing, handover.Take());
        Assert.Throws<InvalidOperationException>(() => handover.Take());
        Assert.False(thing.IsDisposed);
    }

    [Fact]
    public void What_comes_after_the_receiver_has_gone_is_disposed()
    {
        var handover = new Handover<Thing>();
        handover.Abandon();
        var thing = new Thing();
        handover.Deliver(thing);
        Assert.True(thing.IsDisposed);
    }

    [Fact]
    public void What_lies_there_when_the_receiver_goes_is_disposed()
    {
        var handover = new Handover<Thing>();
        var thing = new Thing();
        handover.Deliver(thing);
        handover.Abandon();
        Assert.True(thing.IsDisposed);
    }

    [Fact]
    public void What_was_taken_is_the_receivers_own()
    {
        var handover = new Handover<Thing>();
        var thing = new Thing();
        handover.Deliver(thing);
        handover.Take();
        handover.Abandon();
        Assert.False(thing.IsDisposed);
    }

    private sealed class Thing : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }
}

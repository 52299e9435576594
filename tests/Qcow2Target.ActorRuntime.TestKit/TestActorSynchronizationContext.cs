namespace Qcow2Target.ActorTestKit;

/// <summary>Makes the test actor the sender of what a test tells, also after an await in the test.</summary>
internal sealed class TestActorSynchronizationContext : SynchronizationContext
{
    private readonly ActorCell _testActor;

    public TestActorSynchronizationContext(ActorCell testActor) => _testActor = testActor;

    public override void Post(SendOrPostCallback d, object state) => ThreadPool.QueueUserWorkItem(_ => Send(d, state));

    public override void Send(SendOrPostCallback d, object state)
    {
        ActorCell outerCell = ActorCell.Current;
        SynchronizationContext outer = Current;
        ActorCell.Current = _testActor;
        SetSynchronizationContext(this);
        try
        {
            d(state);
        }
        finally
        {
            SetSynchronizationContext(outer);
            ActorCell.Current = outerCell;
        }
    }

    public override SynchronizationContext CreateCopy() => new TestActorSynchronizationContext(_testActor);
}

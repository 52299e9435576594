namespace Qcow2Target.ActorRuntime.Tests.Patterns;

public sealed class PipeToSupportTests : TestKit
{
    [Fact]
    public async Task A_result_is_told_with_the_sender_given()
    {
        TestProbe sender = CreateTestProbe();
        await Task.FromResult("done").PipeTo(TestActor, sender);
        ExpectMsg("done");
        Assert.Equal(sender, LastSender);
    }

    [Fact]
    public async Task Success_and_failure_can_be_translated()
    {
        await Task.FromResult(3).PipeTo(TestActor, success: number => number + 1);
        ExpectMsg(4);
        await Task.FromException<int>(new InvalidOperationException("why")).PipeTo(TestActor, failure: e => e.Message);
        ExpectMsg("why");
        await new ValueTask<int>(5).PipeTo(TestActor);
        ExpectMsg(5);
    }

    [Fact]
    public async Task Failure_and_cancellation_become_a_status()
    {
        await Task.FromException<int>(new InvalidOperationException("why")).PipeTo(TestActor);
        ExpectMsg<Status.Failure>(failure => Assert.Equal("why", failure.Cause.Message));
        await Task.FromCanceled<int>(new CancellationToken(true)).PipeTo(TestActor);
        ExpectMsg<Status.Failure>(failure => Assert.IsAssignableFrom<OperationCanceledException>(failure.Cause));
    }

    [Fact]
    public async Task A_plain_task_tells_only_what_it_is_asked_to()
    {
        await Task.CompletedTask.PipeTo(TestActor);
        await Task.CompletedTask.PipeTo(TestActor, success: () => "done");
        ExpectMsg("done");
        await ValueTask.CompletedTask.PipeTo(TestActor, success: () => "done too");
        ExpectMsg("done too");
        await Task.FromException(new InvalidOperationException("why")).PipeTo(TestActor);
        ExpectMsg<Status.Failure>();
    }

    [Fact]
    public async Task A_null_result_ends_as_a_failure()
    {
        await Task.FromResult<string>(null!).PipeTo(TestActor);
        ExpectMsg<Status.Failure>();
    }
}

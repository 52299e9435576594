namespace Qcow2Target.Actors.Tests;

public sealed class WorkGateTests
{
    [Fact]
    public void A_closed_gate_that_nobody_is_in_is_quiet_at_once()
    {
        var gate = new WorkGate();
        gate.Close();
        Assert.True(gate.Completion.IsCompleted);
        Assert.True(gate.IsClosed);
    }

    [Fact]
    public void Work_that_went_in_is_waited_for()
    {
        var gate = new WorkGate();
        Assert.True(gate.TryEnter());
        Assert.True(gate.TryEnter());
        gate.Close();
        gate.Exit();
        Assert.False(gate.Completion.IsCompleted);
        gate.Exit();
        Assert.True(gate.Completion.IsCompleted);
    }

    [Fact]
    public void New_work_is_turned_back_and_does_not_make_the_gate_wait()
    {
        var gate = new WorkGate();
        Assert.True(gate.TryEnter());
        gate.Close();
        Assert.False(gate.TryEnter());
        gate.Exit();
        Assert.True(gate.Completion.IsCompleted);
        Assert.False(gate.TryEnter());
    }

    [Fact]
    public void Closing_twice_changes_nothing()
    {
        var gate = new WorkGate();
        gate.TryEnter();
        gate.Close();
        gate.Close();
        Assert.False(gate.Completion.IsCompleted);
        gate.Exit();
        Assert.True(gate.Completion.IsCompleted);
    }

    [Fact]
    public async Task No_work_runs_after_completion_whatever_the_interleaving()
    {
        for (var round = 0; round < 200; round++)
        {
            var gate = new WorkGate();
            var inside = 0;
            var workers = Enumerable.Range(0, 3).Select(_ => Task.Run(() =>
            {
                for (var i = 0; i < 200; i++)
                {
                    if (!gate.TryEnter())
                        return;
                    Interlocked.Increment(ref inside);
                    Interlocked.Decrement(ref inside);
                    gate.Exit();
                }
            })).ToArray();
            gate.Close();
            await gate.Completion.WaitAsync(TimeSpan.FromSeconds(10));
            Assert.Equal(0, Volatile.Read(ref inside));
            Assert.False(gate.TryEnter());
            await Task.WhenAll(workers);
        }
    }
}

using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests;

public sealed class CommandPlanTests
{
    private readonly Bench _bench = new();

    [Fact]
    public void A_plan_can_only_do_what_its_kind_says()
    {
        CommandPlan read = _bench.Begin(TestCdb.Ten(0x28, 0, 1));
        CommandPlan write = _bench.Begin(TestCdb.Ten(0x2A, 0, 1));
        CommandPlan complete = _bench.Begin([0x00]);
        CommandPlan flush = _bench.Begin([0x35]);

        Assert.Equal((PlanKind.Read, PlanKind.Write, PlanKind.Complete, PlanKind.Execute), (read.Kind, write.Kind, complete.Kind, flush.Kind));
        Assert.Throws<InvalidOperationException>(() => read.TryWrite(0, default));
        Assert.Throws<InvalidOperationException>(() => { _ = read.FinishAsync(0).AsTask(); });
        Assert.Throws<InvalidOperationException>(() => { _ = write.ReadAsync(0, default).AsTask(); });
        Assert.Throws<InvalidOperationException>(() => { _ = write.ExecuteAsync(default, default).AsTask(); });
        Assert.Throws<InvalidOperationException>(() => complete.TryRead(0, default));
        Assert.Throws<ArgumentOutOfRangeException>(() => { _ = flush.ExecuteAsync(new byte[1], default).AsTask(); });
    }

    [Fact]
    public void Its_length_is_what_the_cdb_implies()
    {
        Assert.Equal(512, _bench.Begin(TestCdb.Ten(0x28, 0, 1)).Length);
        Assert.Equal(1024, _bench.Begin(TestCdb.Ten(0x2A, 0, 2)).Length);
        Assert.Equal(36, _bench.Begin([0x12, 0, 0, 0, 36]).Length);
        Assert.Equal(96, _bench.Begin([0x12, 0, 0, 0, 255]).Length);
        Assert.Equal(24, _bench.Begin([0x42, 0, 0, 0, 0, 0, 0, 0, 24]).Length);
        Assert.Equal(512, _bench.Begin(TestCdb.Ten(0x41, 0, 1), 512).Length);
        Assert.Equal(0, _bench.Begin([0x35]).Length);
        Assert.Equal(0, _bench.Begin(TestCdb.Ten(0x28, 9000, 1)).Length);
    }

    [Fact]
    public async Task A_write_may_be_finished_short()
    {
        CommandPlan plan = _bench.Begin(TestCdb.Ten(0x2A, 0, 4), 512);

        Assert.True(plan.TryWrite(0, new byte[512]));
        Assert.Same(ScsiOutcome.Good, await plan.FinishAsync(512));
    }

    [Fact]
    public void Nothing_happens_before_the_plan_is_carried_out()
    {
        foreach (byte opcode in new byte[] { 0x2A, 0x2E, 0x41, 0x42, 0x93, 0x35 })
            _bench.Begin(TestCdb.Of(opcode, 0, 24), 512);

        Assert.Empty(_bench.Device.Writes);
        Assert.Empty(_bench.Device.Zeroed);
        Assert.Equal(0, _bench.Device.Flushes);
    }
}

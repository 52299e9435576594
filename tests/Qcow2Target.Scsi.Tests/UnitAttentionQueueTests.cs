using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Tests;

public sealed class UnitAttentionQueueTests
{
    private static string Drain(UnitAttentionQueue queue)
    {
        List<string> taken = [];
        while (queue.TryTake(out UnitAttention attention))
            taken.Add(attention.ToString());
        return string.Join(' ', taken);
    }

    private static UnitAttentionQueue QueueOf(UnitAttention first, params UnitAttention[] more)
    {
        var queue = new UnitAttentionQueue(first);
        foreach (UnitAttention attention in more)
            queue.Raise(attention);
        return queue;
    }

    [Fact]
    public void Each_is_told_once()
    {
        UnitAttentionQueue queue = QueueOf(UnitAttention.CapacityChanged, UnitAttention.CapacityChanged);

        Assert.True(queue.Any);
        Assert.Equal("6/2A/09", Drain(queue));
        Assert.False(queue.Any);
        Assert.False(queue.TryTake(out _));
    }

    [Fact]
    public void Without_resets_they_come_in_order() =>
        Assert.Equal(
            "6/2A/09 6/3F/0E 6/2A/01",
            Drain(QueueOf(UnitAttention.CapacityChanged, UnitAttention.ReportedLunsChanged, UnitAttention.ModeParametersChanged)));

    [Fact]
    public void A_nexus_loss_goes_before_the_rest_and_drops_nothing() =>
        Assert.Equal("6/29/07 6/2A/09", Drain(QueueOf(UnitAttention.CapacityChanged, UnitAttention.NexusLoss)));

    [Fact]
    public void A_reset_drops_what_is_less() =>
        Assert.Equal("6/29/00", Drain(QueueOf(UnitAttention.CapacityChanged, UnitAttention.NexusLoss, UnitAttention.DeviceReset, UnitAttention.PowerOn)));

    [Fact]
    public void A_lesser_reset_is_covered_by_a_greater_one() =>
        Assert.Equal("6/29/00", Drain(QueueOf(UnitAttention.PowerOn, UnitAttention.BusReset, UnitAttention.DeviceReset)));

    [Fact]
    public void What_happens_after_a_reset_is_told_after_it() =>
        Assert.Equal("6/29/03 6/2A/09", Drain(QueueOf(UnitAttention.DeviceReset, UnitAttention.CapacityChanged)));

    [Fact]
    public void One_can_be_taken_back()
    {
        UnitAttentionQueue queue = QueueOf(UnitAttention.ReportedLunsChanged, UnitAttention.CapacityChanged);

        queue.Remove(UnitAttention.ReportedLunsChanged);

        Assert.Equal("6/2A/09", Drain(queue));
        queue.Remove(UnitAttention.CapacityChanged);
        Assert.False(queue.Any);
    }
}

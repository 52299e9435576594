using Qcow2Target.Iscsi.Sequencing;

namespace Qcow2Target.Iscsi.Tests.Sequencing;

public sealed class CommandWindowTests
{
    [Fact]
    public void Only_the_expected_number_within_the_window_is_received()
    {
        var window = new CommandWindow(10, 2);
        Assert.Equal(11u, window.MaxCmdSn);
        Assert.False(window.TryReceive(9));
        Assert.False(window.TryReceive(11));
        Assert.True(window.TryReceive(10));
        window.TakeSlot();
        Assert.True(window.TryReceive(11));
        window.TakeSlot();
        Assert.False(window.TryReceive(12));
        Assert.Equal(12u, window.ExpCmdSn);
    }

    [Fact]
    public void A_window_that_was_closed_on_the_wire_must_be_reopened_when_a_slot_is_free()
    {
        var window = new CommandWindow(0xFFFF_FFFF, 1);
        Assert.True(window.TryReceive(0xFFFF_FFFF));
        window.TakeSlot();
        window.Stamp(1);
        Assert.Equal(0xFFFF_FFFFu, window.MaxCmdSn);
        Assert.False(window.MustReopen);
        window.FreeSlot();
        Assert.True(window.MustReopen);
        window.Stamp(1);
        Assert.False(window.MustReopen);
        Assert.Equal(0u, window.MaxCmdSn);
        Assert.True(window.TryReceive(0));
    }

    [Fact]
    public void What_was_promised_is_not_taken_back()
    {
        var window = new CommandWindow(0, 4);
        Assert.True(window.TryReceive(0));
        window.TakeSlot();
        window.Stamp(4);
        Assert.Equal(3u, window.MaxCmdSn);
        window.FreeSlot();
        window.Stamp(4);
        Assert.Equal(4u, window.MaxCmdSn);
        window.TakeSlot();
        window.TakeSlot();
        window.Stamp(4);
        Assert.Equal(4u, window.MaxCmdSn);
    }

    [Fact]
    public void A_narrower_window_counts_when_the_wider_one_is_used_up()
    {
        var window = new CommandWindow(0, 4);
        for (var i = 0u; i < 3; i++)
        {
            Assert.True(window.TryReceive(i));
            window.TakeSlot();
        }

        window.Stamp(2);
        Assert.Equal(3u, window.MaxCmdSn);
        window.FreeSlot();
        window.FreeSlot();
        window.Stamp(2);
        Assert.Equal(3u, window.MaxCmdSn);
        Assert.True(window.TryReceive(3));
        window.FreeSlot();
        window.Stamp(2);
        Assert.Equal(5u, window.MaxCmdSn);
    }

    [Fact]
    public void A_number_that_is_given_up_is_passed_when_those_before_it_have_come()
    {
        var window = new CommandWindow(0xFFFF_FFFE, 4);
        Assert.True(window.TryGiveUp(0xFFFF_FFFF, before: 2));
        Assert.True(window.TryGiveUp(0, before: 2));
        Assert.Equal(0xFFFF_FFFEu, window.ExpCmdSn);
        Assert.True(window.TryReceive(0xFFFF_FFFE));
        Assert.Equal(1u, window.ExpCmdSn);
        Assert.False(window.TryReceive(0));
        Assert.False(window.TryGiveUp(0, before: 2));
        Assert.False(window.TryGiveUp(1, before: 1));
        Assert.False(window.TryGiveUp(2, before: 5));
        Assert.True(window.TryReceive(1));
    }
}

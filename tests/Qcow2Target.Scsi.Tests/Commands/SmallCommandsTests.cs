using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

/// <summary>ReportSupportedTaskManagement, PreFetch, StartStopUnit, PreventAllowMediumRemoval, SendDiagnostic.</summary>
public sealed class SmallCommandsTests
{
    private readonly Bench _bench = new();

    private static byte[] TaskManagement(byte options, byte allocation) => [0xA3, 0x0D, options, 0, 0, 0, 0, 0, 0, allocation];

    [Fact]
    public void Task_management_functions_are_reported()
    {
        Assert.Equal([0xD8, 0, 0, 0], _bench.Data(TaskManagement(0, 4)));
        Assert.Equal([0xD8, 0, 0, 12, .. new byte[12]], _bench.Data(TaskManagement(0x80, 255)));
        Assert.Equal(4, _bench.Data(TaskManagement(0x80, 4)).Length);
        Assert.Equal("5/24/00@6", _bench.Refusal(TaskManagement(0, 3)));
    }

    [Theory]
    [InlineData(0x34, 0, 0, "Good")]
    [InlineData(0x34, 8191, 1, "Good")]
    [InlineData(0x34, 8192, 0, "Good")]
    [InlineData(0x34, 8193, 0, "5/21/00")]
    [InlineData(0x34, 8192, 1, "5/21/00")]
    [InlineData(0x90, 0, 8192, "Good")]
    [InlineData(0x90, ulong.MaxValue, 0, "5/21/00")]
    [InlineData(0x90, ulong.MaxValue, uint.MaxValue, "5/21/00")]
    public void Pre_fetch_checks_its_range(byte opcode, ulong lba, uint blocks, string expected) =>
        Assert.Equal(expected, _bench.Refusal(TestCdb.Of(opcode, lba, blocks)));

    [Theory]
    [InlineData(0x00, 1)]   // stop
    [InlineData(0x04, 0)]   // stop, NO_FLUSH
    [InlineData(0x01, 0)]   // start
    [InlineData(0x10, 0)]   // power conditions
    [InlineData(0xF2, 0)]
    public void Stopping_flushes_and_the_unit_stays_ready(byte flags, int flushes)
    {
        Assert.Equal("Good", _bench.Refusal([0x1B, 0, 0, 0, flags]));
        Assert.Equal(flushes, _bench.Device.Flushes);
        Assert.Equal("Good", _bench.Refusal([0x00]));
    }

    [Theory]
    [InlineData(0x02)]
    [InlineData(0x03)]
    public void The_medium_cannot_be_loaded_or_ejected(byte flags) => Assert.Equal("5/24/00@4.1", _bench.Refusal([0x1B, 0, 0, 0, flags]));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Removal_may_be_prevented_without_effect(byte prevent) => Assert.Equal("Good", _bench.Refusal([0x1E, 0, 0, 0, prevent]));

    [Fact]
    public void Preventing_conflicts_with_a_reservation_and_allowing_does_not()
    {
        _bench.Refusal([0x16], nexus: _bench.NewNexus());

        Assert.Equal("ReservationConflict", _bench.Refusal([0x1E, 0, 0, 0, 1]));
        Assert.Equal("Good", _bench.Refusal([0x1E, 0, 0, 0, 0]));
    }

    [Fact]
    public void Only_the_default_self_test_can_be_asked_for()
    {
        Assert.Equal("Good", _bench.Refusal([0x1D, 0x04, 0, 0, 0]));
        Assert.Equal("5/24/00@1.2", _bench.Refusal([0x1D, 0x00, 0, 0, 0]));
        Assert.Equal("5/24/00@1.7", _bench.Refusal([0x1D, 0x24, 0, 0, 0]));
        Assert.Equal("5/24/00@3", _bench.Refusal([0x1D, 0x04, 0, 0, 1]));
    }
}

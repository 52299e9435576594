using Qcow2Target.Scsi.Sense;
using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests;

public sealed class LogicalUnitTests
{
    private static readonly byte[] TestUnitReady = [0x00];
    private readonly Bench _bench = new();

    [Fact]
    public void An_attention_goes_to_all_nexuses_but_one()
    {
        ItNexus other = _bench.NewNexus();

        _bench.Unit.Raise(UnitAttention.CapacityChanged, except: _bench.Nexus);

        Assert.Equal("Good", _bench.Refusal(TestUnitReady));
        Assert.Equal("6/2A/09", _bench.Refusal(TestUnitReady, nexus: other));
    }

    [Fact]
    public void A_reset_ends_reservation_and_mode_changes_and_tells_everybody()
    {
        ItNexus other = _bench.NewNexus();
        Assert.Equal("Good", _bench.Refusal([0x16]));
        byte[] page = [0, 0, 0, 0, .. _bench.Data([0x1A, 0x08, 0x0A, 0, 255]).AsSpan(4)];
        page[8] |= 0x08;
        Assert.Equal("Good", _bench.Refusal([0x15, 0x10, 0, 0, 16], page));
        Assert.True(_bench.Unit.Modes.SoftwareWriteProtect);

        _bench.Unit.Reset(UnitAttention.DeviceReset);

        Assert.False(_bench.Unit.Modes.SoftwareWriteProtect);
        Assert.Equal("6/29/03", _bench.Refusal(TestUnitReady));
        Assert.Equal("6/29/03", _bench.Refusal(TestUnitReady, nexus: other));
        Assert.Equal("Good", _bench.Refusal(TestUnitReady, nexus: other));
    }

    [Fact]
    public void A_retired_unit_is_absent_for_good()
    {
        _bench.Unit.Raise(UnitAttention.CapacityChanged);
        _bench.Unit.Retire();
        _bench.Unit.Availability = UnitAvailability.Ready;

        Assert.Equal(UnitAvailability.Gone, _bench.Unit.Availability);
        Assert.Equal("5/25/00", _bench.Refusal(TestUnitReady));
        Assert.Equal("5/25/00", _bench.Refusal(TestCdb.Ten(0x28, 0, 1)));
        Assert.Equal(0x7F, _bench.Data([0x12, 0, 0, 0, 36])[0]);
    }

    [Fact]
    public async Task A_command_that_was_begun_before_the_unit_was_retired_still_ends()
    {
        CommandPlan plan = _bench.Begin(TestCdb.Ten(0x28, 0, 1));
        _bench.Unit.Retire();
        _bench.Device.ReadFault = BlockDeviceFault.Gone;

        Assert.False(plan.TryRead(0, new byte[512]));
        Assert.Equal("5/25/00", Bench.Describe(await plan.ReadAsync(0, new byte[512])));
    }

    [Fact]
    public void Sense_is_in_the_format_of_the_mode_parameters()
    {
        var bench = new Bench(modes: ModeParameters.Default with { SenseFormat = SenseFormat.Descriptor });

        Assert.Equal(0x72, bench.Run(TestCdb.Ten(0x28, 9000, 1)).Sense.Span[0]);
        Assert.Equal(0x70, _bench.Run(TestCdb.Ten(0x28, 9000, 1)).Sense.Span[0]);
        Assert.Equal(0x72, bench.Unit.OutcomeOf(new BlockDeviceException(BlockDeviceFault.ReadError, "test")).Sense.Span[0]);
    }

    [Fact]
    public async Task Nexuses_may_come_act_and_go_at_once()
    {
        await Parallel.ForAsync(0, 200, (_, cancellationToken) =>
        {
            ItNexus nexus = _bench.NewNexus();
            _bench.Run([0x16], nexus: nexus, cancellationToken: cancellationToken);
            _bench.Unit.Raise(UnitAttention.CapacityChanged);
            nexus.Raise(UnitAttention.ReportedLunsChanged);
            _bench.Run(TestUnitReady, nexus: nexus, cancellationToken: cancellationToken);
            nexus.Close();
            return ValueTask.CompletedTask;
        });

        _bench.Data([0x03, 0, 0, 0, 18]);
        Assert.Equal("Good", _bench.Refusal(TestUnitReady));
    }
}

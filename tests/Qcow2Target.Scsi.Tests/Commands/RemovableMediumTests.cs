using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

/// <summary>START STOP UNIT and PREVENT ALLOW MEDIUM REMOVAL where the medium can be taken out.</summary>
public sealed class RemovableMediumTests
{
    private static readonly byte[] Eject = [0x1B, 0, 0, 0, 0x02, 0];
    private static readonly byte[] Load = [0x1B, 0, 0, 0, 0x03, 0];
    private static readonly byte[] Prevent = [0x1E, 0, 0, 0, 1, 0];
    private static readonly byte[] Allow = [0x1E, 0, 0, 0, 0, 0];
    private static readonly byte[] TestUnitReady = [0x00];

    private readonly Bench _bench = new(settings: new LogicalUnitSettings { Medium = MediumKind.Removable });
    private readonly ItNexus _other;

    public RemovableMediumTests() => _other = _bench.NewNexus();

    [Fact]
    public void Inquiry_tells_that_it_is_removable() => Assert.Equal(0x80, _bench.Data([0x12, 0, 0, 0, 36])[1]);

    [Fact]
    public void An_ejected_medium_is_missed_by_whatever_needs_it()
    {
        _bench.Run(TestCdb.Ten(0x2A, 0, 1), TestCdb.Pattern(512, 1));
        Assert.Equal("Good", _bench.Refusal(Eject));
        Assert.Equal(1, _bench.Device.Flushes);
        Assert.Equal("Good", _bench.Refusal(Eject));

        foreach (CommandDescriptor command in CommandTable.Commands)
        {
            byte[] cdb = [command.Opcode, command.ServiceAction ?? 0, .. new byte[14]];
            if (command.Opcode == 0x1D)
                cdb[1] = 0x04;
            string outcome = Bench.Describe(_bench.Run(cdb));
            byte[] works = [0x03, 0x12, 0x15, 0x16, 0x17, 0x1A, 0x1B, 0x1E, 0x55, 0x56, 0x57, 0x5A, 0x5E, 0x5F, 0x84, 0xA0, 0xA3];
            if (!(command.Opcode == 0x48 || command.Opcode == 0x83))
                Assert.Equal((command.Name, !works.Contains(command.Opcode)), (command.Name, outcome == "2/3A/00"));
        }

        Assert.Equal("Good", _bench.Refusal(Load));
        Assert.Equal("Good", _bench.Refusal(TestUnitReady));
        Assert.Equal("6/28/00", _bench.Refusal(TestUnitReady, nexus: _other));
        Assert.Equal("Good", _bench.Refusal(Load));
        Assert.Equal("Good", _bench.Refusal(TestUnitReady, nexus: _other));
        Assert.Equal(TestCdb.Pattern(512, 1), _bench.Data(TestCdb.Ten(0x28, 0, 1)));
    }

    [Fact]
    public void Any_nexus_can_prevent_removal_until_it_allows_it()
    {
        Assert.Equal("Good", _bench.Refusal(Prevent));
        Assert.Equal("Good", _bench.Refusal(Prevent, nexus: _other));
        Assert.Equal("5/53/02", _bench.Refusal(Eject));
        Assert.Equal("5/53/02", _bench.Refusal(Load));
        Assert.Equal("Good", _bench.Refusal(Allow));
        Assert.Equal("5/53/02", _bench.Refusal(Eject));
        Assert.Equal("Good", _bench.Refusal(Allow, nexus: _other));
        Assert.Equal("Good", _bench.Refusal(Eject));
    }

    [Fact]
    public void Prevention_ends_with_the_nexus_and_with_a_reset()
    {
        _bench.Refusal(Prevent, nexus: _other);
        _other.Close();
        Assert.Equal("Good", _bench.Refusal(Eject));
        Assert.Equal("Good", _bench.Refusal(Load));

        _bench.Refusal(Prevent);
        _bench.Nexus.AllowRemoval();
        Assert.Equal("Good", _bench.Refusal(Eject));
        Assert.Equal("Good", _bench.Refusal(Load));

        _bench.Refusal(Prevent);
        _bench.Unit.Reset(Scsi.Sense.UnitAttention.DeviceReset);
        Assert.Equal("6/29/03", _bench.Refusal(Eject));
        Assert.Equal("Good", _bench.Refusal(Eject));
    }

    [Fact]
    public async Task An_eject_waits_a_moment_for_a_nexus_that_is_about_to_end()
    {
        _bench.Refusal(Prevent, nexus: _other);
        Task<ScsiOutcome> eject = Bench.RunAsync(_bench.Begin(Eject), [], default).AsTask();
        Assert.False(eject.IsCompleted);
        _other.AllowRemoval();
        Assert.Same(ScsiOutcome.Good, await eject.WaitAsync(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public void An_eject_whose_flush_fails_leaves_the_medium_in()
    {
        _bench.Device.FlushFault = BlockDeviceFault.WriteError;
        Assert.Equal("3/0C/00", _bench.Refusal(Eject));
        Assert.Equal("Good", _bench.Refusal(TestUnitReady));
    }
}

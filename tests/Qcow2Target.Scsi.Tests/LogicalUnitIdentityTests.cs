namespace Qcow2Target.Scsi.Tests;

public sealed class LogicalUnitIdentityTests
{
    [Fact]
    public void A_seed_always_gives_the_same_identity()
    {
        Assert.Equal(LogicalUnitIdentity.FromSeed("x"), LogicalUnitIdentity.FromSeed("x"));
        Assert.NotEqual(LogicalUnitIdentity.FromSeed("x").Id, LogicalUnitIdentity.FromSeed("y").Id);
        // Pinned: a disk must not change its name with a new version of the daemon.
        Assert.Equal("2d711642b726b04401627ca9fbac32f5", LogicalUnitIdentity.FromSeed("x").SerialNumber);
    }

    [Fact]
    public void A_chosen_serial_number_is_kept_and_decides_the_names()
    {
        var identity = LogicalUnitIdentity.FromSerialNumber("DISK 42");

        Assert.Equal("DISK 42", identity.SerialNumber);
        Assert.Equal(identity.Id, LogicalUnitIdentity.FromSerialNumber("DISK 42").Id);
        Assert.NotEqual(identity.Id, LogicalUnitIdentity.FromSeed("DISK 42").Id);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" a")]
    [InlineData("a ")]
    [InlineData("a\n")]
    [InlineData("ä")]
    public void What_vpd_80_cannot_hold_is_refused(string serialNumber)
    {
        Assert.False(LogicalUnitIdentity.IsSerialNumber(serialNumber));
        Assert.Throws<ArgumentException>(() => LogicalUnitIdentity.FromSerialNumber(serialNumber));
    }

    [Fact]
    public void A_serial_number_has_a_longest_length()
    {
        Assert.True(LogicalUnitIdentity.IsSerialNumber(new string('9', 128)));
        Assert.False(LogicalUnitIdentity.IsSerialNumber(new string('9', 129)));
    }
}

using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Tests.Sense;

public sealed class FaultSenseTests
{
    [Theory]
    [InlineData(BlockDeviceFault.ReadError, "3/11/00")]
    [InlineData(BlockDeviceFault.WriteError, "3/0C/00")]
    [InlineData(BlockDeviceFault.NoSpace, "7/27/07")]
    [InlineData(BlockDeviceFault.WriteProtected, "7/27/00")]
    [InlineData(BlockDeviceFault.NotReady, "2/04/01")]
    [InlineData(BlockDeviceFault.Gone, "5/25/00")]
    [InlineData(BlockDeviceFault.Corrupt, "4/44/00")]
    public void Each_fault_has_its_sense(BlockDeviceFault fault, string sense) => Assert.Equal(sense, FaultSense.Of(fault)!.Value.Code.ToString());

    [Fact]
    public void A_fenced_disk_is_busy() => Assert.Null(FaultSense.Of(BlockDeviceFault.Fenced));

    [Fact]
    public void Only_a_fenced_disk_is_busy() =>
        Assert.Equal([BlockDeviceFault.Fenced], Enum.GetValues<BlockDeviceFault>().Where(fault => FaultSense.Of(fault) is null));
}

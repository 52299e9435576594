using Qcow2Target.Control.Errors;
using Qcow2Target.Control.Requests;

namespace Qcow2Target.Control.Tests.Requests;

public sealed class ControlRequestTests
{
    [Theory]
    [InlineData(0L)]
    [InlineData(16383L)]
    public void Attach_with_a_lun_id_in_range_is_fine(long lunId) => Assert.Null(new AttachRequest("iqn.a", "a", lunId).FindFault());

    [Theory]
    [InlineData(-1L)]
    [InlineData(16384L)]
    [InlineData(long.MaxValue)]
    public void Attach_with_a_lun_id_out_of_range_is_refused(long lunId) =>
        Assert.Equal(ErrorCodes.InvalidLunId, new AttachRequest("iqn.a", "a", lunId).FindFault()?.Code);

    [Theory]
    [InlineData(-1L)]
    [InlineData(16384L)]
    public void Detach_of_a_lun_id_out_of_range_finds_no_logical_unit(long lunId) =>
        Assert.Equal(ReliedUponTexts.LogicalUnitNotFound, new DetachLunRequest("iqn.a", lunId).FindFault()?.Text);

    [Theory]
    [InlineData(0L)]
    [InlineData(1024L)]
    [InlineData(long.MaxValue)]
    public void Attach_with_other_physical_blocks_than_512_or_4096_bytes_is_refused(long size) =>
        Assert.Equal(ErrorCodes.InvalidPhysicalBlockSize, new AttachRequest("iqn.a", "a", PhysicalBlockSize: size).FindFault()?.Code);

    [Theory]
    [InlineData(0L)]
    [InlineData(-512L)]
    [InlineData(1000L)]
    [InlineData(long.MinValue)]
    public void Resize_to_what_is_no_size_is_refused(long size) =>
        Assert.Equal(ErrorCodes.InvalidSize, new ResizeRequest("iqn.a", 0, size).FindFault()?.Code);

    [Fact]
    public void Resize_to_whole_blocks_is_fine_and_of_a_lun_out_of_range_finds_none()
    {
        Assert.Null(new ResizeRequest("iqn.a", 0, 512).FindFault());
        Assert.Equal(ErrorCodes.LunNotFound, new ResizeRequest("iqn.a", -1, 512).FindFault()?.Code);
    }

    [Fact]
    public void Attach_of_an_empty_path_is_refused() =>
        Assert.Equal(ErrorCodes.InvalidDiskPath, new AttachRequest("iqn.a", "").FindFault()?.Code);

    [Fact]
    public void Attach_of_a_path_with_a_zero_character_is_refused() =>
        Assert.Equal(ErrorCodes.InvalidDiskPath, new AttachRequest("iqn.a", "a\0b").FindFault()?.Code);

    [Theory]
    [InlineData("x")]
    [InlineData("WD-40 ~!")]
    [InlineData("123456789012345678901234567890123456")]
    public void Printable_serial_is_fine(string serial) => Assert.Null(new AttachRequest("iqn.a", "a", null, serial).FindFault());

    [Theory]
    [InlineData("")]
    [InlineData(" x")]
    [InlineData("x ")]
    [InlineData("a\u007f")]
    [InlineData("a\tb")]
    [InlineData("\u00e4")]
    [InlineData("1234567890123456789012345678901234567")]
    public void Serial_that_a_page_cannot_show_is_refused(string serial) =>
        Assert.Equal(ErrorCodes.InvalidSerial, new AttachRequest("iqn.a", "a", null, serial).FindFault()?.Code);

    [Fact]
    public void Add_of_a_bad_name_is_refused_and_other_requests_leave_names_to_the_lookup()
    {
        Assert.Equal(ErrorCodes.InvalidTargetName, new AddTargetRequest("demo").FindFault()?.Code);
        Assert.Null(new AddTargetRequest("iqn.demo").FindFault());
        Assert.Null(new DeleteTargetRequest("demo").FindFault());
        Assert.Null(new ClearTargetRequest("demo").FindFault());
        Assert.Null(new DetachLunRequest("demo", 0).FindFault());
        Assert.Null(new AttachRequest("demo", "a").FindFault());
        Assert.Null(new ListRequest("demo").FindFault());
    }
}

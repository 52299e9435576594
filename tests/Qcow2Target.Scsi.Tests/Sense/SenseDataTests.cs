using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Tests.Sense;

public sealed class SenseDataTests
{
    [Fact]
    public void Fixed_sense_points_at_the_field()
    {
        byte[] sense = SenseData.InvalidFieldInCdb(2, 5).Encode(SenseFormat.Fixed);

        Assert.Equal([0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x24, 0, 0, 0xCD, 0, 2], sense);
    }

    [Fact]
    public void A_whole_field_of_the_parameter_list_has_no_bit()
    {
        byte[] sense = SenseData.InvalidFieldInParameterList(300).Encode(SenseFormat.Fixed);

        Assert.Equal([0x80, 1, 44], sense.AsSpan(15).ToArray());
    }

    [Fact]
    public void Descriptor_sense_points_at_the_field()
    {
        byte[] sense = SenseData.InvalidFieldInCdb(2, 5).Encode(SenseFormat.Descriptor);

        Assert.Equal([0x72, 5, 0x24, 0, 0, 0, 0, 8, 2, 6, 0, 0, 0xCD, 0, 2, 0], sense);
    }

    [Fact]
    public void Sense_without_particulars_is_short_in_descriptor_format() =>
        Assert.Equal([0x72, 3, 0x11, 0, 0, 0, 0, 0], SenseData.UnrecoveredReadError.Encode(SenseFormat.Descriptor));

    [Fact]
    public void A_miscompare_carries_its_offset_in_both_formats()
    {
        Assert.Equal([0xF0, 0, 0xE, 1, 2, 3, 4], SenseData.Miscompare(0x01020304).Encode(SenseFormat.Fixed).AsSpan(0, 7).ToArray());
        Assert.Equal(
            [0x72, 0xE, 0x1D, 0, 0, 0, 0, 12, 0, 10, 0x80, 0, 0, 0, 0, 0, 1, 2, 3, 4],
            SenseData.Miscompare(0x01020304).Encode(SenseFormat.Descriptor));
    }

    [Fact]
    public void Information_that_fixed_sense_cannot_hold_is_not_valid_there()
    {
        SenseData sense = SenseData.Miscompare(0x1_0000_0000);

        Assert.Equal([0x70, 0, 0xE, 0, 0, 0, 0], sense.Encode(SenseFormat.Fixed).AsSpan(0, 7).ToArray());
        Assert.Equal([0, 0, 0, 1, 0, 0, 0, 0], sense.Encode(SenseFormat.Descriptor).AsSpan(12).ToArray());
    }

    [Fact]
    public void No_encoding_is_longer_than_it_says()
    {
        Assert.True(SenseData.FixedBytes <= SenseData.MaxBytes);
        Assert.True(SenseData.Miscompare(1).Encode(SenseFormat.Descriptor).Length <= SenseData.MaxBytes);
    }

    [Fact]
    public void A_field_far_into_the_list_is_pointed_at_as_well_as_can_be() =>
        Assert.Equal([0x80, 0xFF, 0xFF], SenseData.InvalidFieldInParameterList(70_000).Encode(SenseFormat.Fixed).AsSpan(15).ToArray());
}

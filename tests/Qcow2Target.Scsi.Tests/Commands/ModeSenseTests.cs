using Qcow2Target.Scsi.Sense;
using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class ModeSenseTests
{
    private readonly Bench _bench = new();

    private static byte[] Six(byte page, byte subpage = 0, byte flags = 0x08, byte allocation = 255) => [0x1A, flags, page, subpage, allocation, 0];

    private static byte[] Ten(byte page, byte subpage = 0, byte flags = 0x08, byte allocation = 255) =>
        [0x5A, flags, page, subpage, 0, 0, 0, 0, allocation, 0];

    [Fact]
    public void All_pages_come_in_order_and_each_is_the_same_alone()
    {
        byte[] all = _bench.Data(Six(0x3F));
        Assert.Equal(all.Length - 1, all[0]);

        List<byte> codes = [];
        for (int at = 4; at < all.Length; at += 2 + all[at + 1])
        {
            codes.Add(all[at]);
            Assert.Equal(all.AsSpan(at, 2 + all[at + 1]).ToArray(), _bench.Data(Six(all[at])).AsSpan(4).ToArray());
        }

        Assert.Equal([0x01, 0x02, 0x08, 0x0A, 0x1C], codes);
    }

    [Fact]
    public void All_subpages_come_when_asked_for()
    {
        byte[] all = _bench.Data(Six(0x3F, 0xFF));
        byte[] control = _bench.Data(Six(0x0A, 0xFF));

        Assert.Equal(_bench.Data(Six(0x3F)).Length + 32, all.Length);
        Assert.Equal(4 + 12 + 32, control.Length);
        Assert.Equal([0x4A, 0x01, 0x00, 0x1C], control.AsSpan(16, 4).ToArray());
        Assert.Equal(control.AsSpan(16).ToArray(), _bench.Data(Six(0x0A, 0x01)).AsSpan(4).ToArray());
    }

    [Fact]
    public void Both_headers_say_that_dpo_and_fua_work_and_whether_the_disk_is_protected()
    {
        Assert.Equal([23, 0, 0x10, 0], _bench.Data(Six(0x08)).AsSpan(0, 4).ToArray());
        Assert.Equal([0, 26, 0, 0x10, 0, 0, 0, 0], _bench.Data(Ten(0x08)).AsSpan(0, 8).ToArray());
        Assert.Equal(0x90, new Bench(new MemoryBlockDevice(isReadOnly: true)).Data(Six(0x08))[2]);
        Assert.Equal(0x90, new Bench(modes: ModeParameters.Default with { SoftwareWriteProtect = true }).Data(Ten(0x08))[3]);
    }

    [Fact]
    public void A_block_descriptor_describes_the_disk()
    {
        Assert.Equal([0, 0, 0x20, 0, 0, 0, 2, 0], _bench.Data(Six(0x08, flags: 0)).AsSpan(4, 8).ToArray());
        Assert.Equal(8, _bench.Data(Six(0x08, flags: 0))[3]);
        Assert.Equal([0, 0, 0, 8, 0, 0, 0x20, 0, 0, 0, 2, 0], _bench.Data(Ten(0x08, flags: 0)).AsSpan(4, 12).ToArray());
        Assert.Equal(
            [1, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 2, 0],
            _bench.Data(Ten(0x08, flags: 0x10)).AsSpan(4, 20).ToArray());
    }

    [Fact]
    public void A_disk_too_large_for_the_short_descriptor_says_so()
    {
        var bench = new Bench(new MemoryBlockDevice(1L << 33));

        Assert.Equal([0xFF, 0xFF, 0xFF, 0xFF], bench.Data(Six(0x08, flags: 0)).AsSpan(4, 4).ToArray());
        Assert.Equal([0, 0, 0, 2, 0, 0, 0, 0], bench.Data(Ten(0x08, flags: 0x10)).AsSpan(8, 8).ToArray());
    }

    [Fact]
    public void The_caching_page_shows_the_write_cache()
    {
        Assert.Equal([0x08, 18, 0x04], _bench.Data(Six(0x08)).AsSpan(4, 3).ToArray());
        Assert.Equal(0, new Bench(modes: ModeParameters.Default with { WriteCache = false }).Data(Six(0x08))[6]);
    }

    [Fact]
    public void The_control_page_shows_its_state()
    {
        Assert.Equal([0x0A, 10, 0, 0x10, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0], _bench.Data(Six(0x0A)).AsSpan(4).ToArray());
        var bench = new Bench(modes: new ModeParameters(true, true, SenseFormat.Descriptor));
        Assert.Equal([0x0A, 10, 0x04, 0x10, 0x08], bench.Data(Six(0x0A)).AsSpan(4, 5).ToArray());
    }

    [Fact]
    public void Informational_exceptions_are_disabled() => Assert.Equal([0x1C, 10, 0x08], _bench.Data(Six(0x1C)).AsSpan(4, 3).ToArray());

    [Fact]
    public void The_changeable_mask_has_what_mode_select_takes()
    {
        byte[] all = _bench.Data(Six(0x3F | 0x40, 0xFF));
        int ones = all.AsSpan(4).ToArray().Length;

        Assert.Equal(_bench.Data(Six(0x3F, 0xFF)).Length, ones + 4);
        Assert.Equal([0x08, 18, 0x04, .. new byte[17]], _bench.Data(Six(0x48)).AsSpan(4).ToArray());
        Assert.Equal([0x0A, 10, 0x04, 0, 0x08, .. new byte[7]], _bench.Data(Six(0x4A)).AsSpan(4).ToArray());
        Assert.Equal([0x1C, 10, .. new byte[10]], _bench.Data(Six(0x5C)).AsSpan(4).ToArray());
    }

    [Fact]
    public void Default_values_are_those_of_the_start()
    {
        var bench = new Bench();
        byte[] list = [0, 0, 0, 0, .. bench.Data(Six(0x08)).AsSpan(4)];
        list[6] = 0;
        Assert.Equal("Good", bench.Refusal([0x15, 0x10, 0, 0, 24], list));

        Assert.Equal(0x00, bench.Data(Six(0x08))[6]);
        Assert.Equal(0x04, bench.Data(Six(0x88))[6]);
    }

    [Fact]
    public void Saved_values_are_refused()
    {
        Assert.Equal("5/39/00", _bench.Refusal(Six(0xC8)));
        Assert.Equal("5/39/00", _bench.Refusal(Ten(0xFF)));
    }

    [Theory]
    [InlineData(0x00, 0x00, "5/24/00@2.5")]
    [InlineData(0x05, 0x00, "5/24/00@2.5")]
    [InlineData(0x08, 0x01, "5/24/00@3")]
    [InlineData(0x0A, 0x05, "5/24/00@3")]
    public void Unknown_pages_are_refused(byte page, byte subpage, string sense)
    {
        Assert.Equal(sense, _bench.Refusal(Six(page, subpage)));
        Assert.Equal(sense, _bench.Refusal(Ten(page, subpage)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    [InlineData(20)]
    public void Data_is_cut_to_the_allocation_length_but_its_length_is_told_whole(byte allocation)
    {
        byte[] data = _bench.Data(Six(0x08, allocation: allocation));

        Assert.Equal(allocation, data.Length);
        Assert.True(allocation == 0 || data[0] == 23);
    }

    [Theory]
    [InlineData(0x01)]
    [InlineData(0x05)]
    [InlineData(0xFE)]
    public void Of_all_pages_no_single_subpage_can_be_asked_for(byte subpage) => Assert.Equal("5/24/00@3", _bench.Refusal([0x1A, 0, 0x3F, subpage, 255]));
}

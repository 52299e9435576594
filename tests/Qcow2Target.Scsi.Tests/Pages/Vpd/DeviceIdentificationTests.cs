using System.Text;
using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Pages.Vpd;

public sealed class DeviceIdentificationTests
{
    private static List<(int Codes, int Protocol, int Association, int Type, byte[] Value)> Designators(Bench bench)
    {
        byte[] page = bench.Data([0x12, 1, 0x83, 0xFF, 0xFF]);
        List<(int, int, int, int, byte[])> designators = [];
        for (int at = 4; at < page.Length; at += 4 + page[at + 3])
            designators.Add((page[at] & 0xF, page[at] >> 4, (page[at + 1] >> 4) & 3, page[at + 1] & 0xF, page.AsSpan(at + 4, page[at + 3]).ToArray()));
        return designators;
    }

    [Fact]
    public void The_disk_is_named_first_then_the_port_then_the_target()
    {
        var designators = Designators(new Bench());

        Assert.Equal([(0, 3), (0, 1), (0, 0xA), (1, 4), (1, 5), (1, 8), (2, 8)], designators.Select(d => (d.Association, d.Type)));
        Assert.All(designators, d => Assert.Equal(d.Association == 0 ? 0 : 5, d.Protocol));
        Assert.Equal([0, 0, 0, 1], designators[3].Value);
        Assert.Equal("iqn.2018-05.com.networkoptix:bench,t,0x0001", Encoding.UTF8.GetString(designators[5].Value).TrimEnd('\0'));
        Assert.Equal("iqn.2018-05.com.networkoptix:bench", Encoding.UTF8.GetString(designators[6].Value).TrimEnd('\0'));
    }

    [Fact]
    public void The_naa_name_is_registered_extended_with_a_locally_administered_company()
    {
        byte[] naa = Designators(new Bench())[0].Value;

        Assert.Equal(16, naa.Length);
        Assert.Equal(6, naa[0] >> 4);
        int company = ((naa[0] & 0xF) << 20) | (naa[1] << 12) | (naa[2] << 4) | (naa[3] >> 4);
        Assert.Equal(0x02, (company >> 16) & 0x03);
    }

    [Fact]
    public void Two_disks_have_two_names_and_one_disk_always_the_same()
    {
        var one = new LogicalUnit(new MemoryBlockDevice(), LogicalUnitIdentity.FromSeed("a"));
        var same = new LogicalUnit(new MemoryBlockDevice(), LogicalUnitIdentity.FromSeed("a"));
        var two = new LogicalUnit(new MemoryBlockDevice(), LogicalUnitIdentity.FromSeed("b"));

        Assert.Equal(Page(one), Page(same));
        Assert.NotEqual(Page(one), Page(two));

        static byte[] Page(LogicalUnit unit) =>
            LunMap.Empty.With(0, unit).Begin(0, [0x12, 1, 0x83, 0, 255, 0], Bench.FreshNexus(), 0).Outcome!.DataIn.ToArray();
    }

    [Theory]
    [InlineData(221)]
    [InlineData(222)]
    [InlineData(223)]
    public void Names_of_every_length_are_terminated_and_padded(int length)
    {
        string name = "iqn." + new string('x', length - 4);
        var port = new TargetPort(name, 0xFFFF, 2);
        var unit = new LogicalUnit(new MemoryBlockDevice(), LogicalUnitIdentity.FromSerialNumber(new string('s', LogicalUnitIdentity.MaxSerialNumberLength)));

        byte[] page = LunMap.Empty.With(0, unit)
            .Begin(0, [0x12, 1, 0x83, 0xFF, 0xFF, 0], new ItNexus(port, Bench.FreshInitiator(), Scsi.Sense.UnitAttention.PowerOn), 0).Outcome!.DataIn.ToArray();

        Assert.Equal(page.Length - 4, (page[2] << 8) | page[3]);
        Assert.Equal(0, page[^1]);
        Assert.EndsWith(name, Encoding.UTF8.GetString(page).TrimEnd('\0'), StringComparison.Ordinal);
    }
}

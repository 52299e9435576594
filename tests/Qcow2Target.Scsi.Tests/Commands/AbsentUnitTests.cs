using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class AbsentUnitTests
{
    private const ulong Absent = 5UL << 48;
    private readonly Bench _bench = new();

    [Theory]
    [InlineData(Absent)]
    [InlineData(0x8000_0000_0000_0000)]
    [InlineData(0x0000_0001_0000_0000)]
    public void Inquiry_says_that_nothing_is_there(ulong lun)
    {
        byte[] data = _bench.Data([0x12, 0, 0, 0, 96], lun);

        Assert.Equal(96, data.Length);
        Assert.Equal(0x7F, data[0]);
        Assert.Equal([0x7F, 0, 0, 1, 0], _bench.Data([0x12, 1, 0, 0, 96], lun));
        Assert.Equal("5/24/00@2", _bench.Refusal([0x12, 1, 0x83, 0, 96], lun: lun));
        Assert.Equal("5/24/00@2", _bench.Refusal([0x12, 0, 0x83, 0, 96], lun: lun));
    }

    [Fact]
    public void Request_sense_tells_why()
    {
        byte[] sense = _bench.Data([0x03, 0, 0, 0, 255], Absent);

        Assert.Equal(18, sense.Length);
        Assert.Equal((5, 0x25, 0x00), (sense[2], sense[12], sense[13]));
    }

    [Fact]
    public void Report_luns_works_on_any_lun_also_without_a_disk()
    {
        Assert.Equal(16, _bench.Data([0xA0, 0, 0, 0, 0, 0, 0, 0, 0, 64], Absent).Length);
        Assert.Equal(new byte[8], new Bench { Map = LunMap.Empty }.Data([0xA0, 0, 0, 0, 0, 0, 0, 0, 0, 64]));
        Assert.Equal("5/24/00@6", _bench.Refusal([0xA0, 0, 0, 0, 0, 0, 0, 0, 0, 15], lun: Absent));
    }

    [Theory]
    [InlineData(0x00)]
    [InlineData(0x28)]
    [InlineData(0x2A)]
    [InlineData(0x25)]
    [InlineData(0xFF)]
    public void Everything_else_is_refused(byte opcode) => Assert.Equal("5/25/00", _bench.Refusal([opcode], lun: Absent));

    [Fact]
    public void An_empty_cdb_is_refused() => Assert.Equal("5/25/00", Bench.Describe(_bench.Map.Begin(Absent, [], _bench.Nexus, 0).Outcome!));

    [Fact]
    public void The_well_known_unit_answers_what_it_must()
    {
        Assert.Equal(0x1E, _bench.Data([0x12, 0, 0, 0, 96], LunField.ReportLunsWellKnown)[0]);
        Assert.Equal(16, _bench.Data([0xA0, 0, 0, 0, 0, 0, 0, 0, 0, 64], LunField.ReportLunsWellKnown).Length);
        Assert.Equal(0, _bench.Data([0x03, 0, 0, 0, 255], LunField.ReportLunsWellKnown)[2]);
        Assert.Equal("Good", _bench.Refusal([0x00], lun: LunField.ReportLunsWellKnown));
        Assert.Equal("5/20/00@0", _bench.Refusal([0x28], lun: LunField.ReportLunsWellKnown));
    }
}

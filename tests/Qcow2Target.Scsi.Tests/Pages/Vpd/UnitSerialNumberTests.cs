using System.Text;
using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Pages.Vpd;

public sealed class UnitSerialNumberTests
{
    [Fact]
    public void It_is_the_serial_number_of_the_identity()
    {
        var bench = new Bench();

        byte[] page = bench.Data([0x12, 1, 0x80, 0, 255]);

        Assert.Equal(bench.Unit.Identity.SerialNumber, Encoding.ASCII.GetString(page, 4, page.Length - 4));
        Assert.Equal(32, page[3]);
    }
}

using Qcow2Target.Qcow2.Check;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Tests.Image;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Check;

public sealed class OnlineCheckerTests(ITestOutputHelper output)
{
    private const int DiskBytes = 4 << 20;

    [Theory]
    [InlineData(9)]
    [InlineData(12)]
    [InlineData(16)]
    public void An_image_that_is_written_meanwhile_is_clean_whatever_the_interleaving(int clusterBits)
    {
        var random = new RandomSource(output.WriteLine);
        for (var round = 0; round < 6; round++)
        {
            var images = new TestImages();
            var file = images.Create("t", new ImageCreateOptions { VirtualSize = DiskBytes, ClusterBits = clusterBits });
            var driver = images.Drive("t", new Random(random.Next()));
            driver.Writer.RefillClusters = 8;
            var model = new byte[DiskBytes];
            List<CheckReport> reports = [];
            List<Outcome> checks = [];
            List<(int Offset, int End, Outcome Outcome)> running = [];
            for (var step = 0; step < 60; step++)
            {
                var offset = random.Next(DiskBytes / 512) * 512;
                var length = Math.Min(DiskBytes - offset, (1 + random.Next(60)) * 512);
                // Requests that overlap while both run may land in either order.
                if (running.Exists(other => !other.Outcome.IsCompleted && other.Offset < offset + length && offset < other.End)) driver.RunAll();
                switch (random.Next(8))
                {
                    case 0:
                        running.Add((offset, offset + length, driver.Zero(offset, length, ZeroSpace.Free)));
                        model.AsSpan(offset, length).Clear();
                        break;
                    case 1:
                        driver.Flush();
                        break;
                    case 2:
                        checks.Add(driver.Check(reports.Add));
                        break;
                    default:
                        var data = random.Bytes(length);
                        running.Add((offset, offset + length, driver.Write(offset, data)));
                        data.CopyTo(model, offset);
                        break;
                }
                for (var turns = random.Next(4); turns > 0; turns--) driver.Turn();
            }
            driver.RunAll();
            Assert.All(checks, check => Assert.True(check.Succeeded, check.Fault?.Message));
            Assert.Equal(checks.Count, reports.Count);
            Assert.All(reports, report => Assert.True(report.Outcome == CheckOutcome.Clean, string.Join('\n', report.Findings.Take(5))));
            Workload.AssertSame(model, TestImages.ReadAll(driver.Image));
            driver.Close();
            TestImages.AssertChecked(file, CheckVerdict.Clean);
        }
    }

    [Fact]
    public void Damage_that_came_after_the_open_is_found()
    {
        var images = new TestImages();
        var file = images.Create("t", new ImageCreateOptions { VirtualSize = DiskBytes, ClusterBits = 16 });
        var driver = images.Drive("t");
        driver.WriteThrough(0, new byte[200 << 10].AsMemory());
        // The first refcount block: the count of the header's cluster becomes 2.
        file.Write(2 * 65536, [0, 2]);
        CheckReport? report = null;
        var check = driver.Check(found => report = found);
        driver.RunAll();
        Assert.True(check.Succeeded);
        Assert.Equal(CheckOutcome.Leaks, report!.Outcome);
        Assert.Equal(0, Assert.Single(report.Findings).Offset);
    }

    [Fact]
    public void A_closing_writer_finishes_the_check_and_takes_no_other()
    {
        var images = new TestImages();
        images.Create("t", new ImageCreateOptions { VirtualSize = DiskBytes, ClusterBits = 16 });
        var driver = images.Drive("t");
        driver.Write(0, new byte[512]);
        CheckReport? report = null;
        var first = driver.Check(found => report = found);
        driver.Writer.BeginClose(CloseMode.Commit);
        var second = driver.Check(_ => Assert.Fail("it was closed"));
        driver.RunAll();
        Assert.True(first.Succeeded, first.Fault?.Message);
        Assert.Equal(CheckOutcome.Clean, report!.Outcome);
        Assert.Equal(ImageFaultKind.Closed, second.Fault!.Kind);
        Assert.True(driver.Writer.IsClosed);
    }
}

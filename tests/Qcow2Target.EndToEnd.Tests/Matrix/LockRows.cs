using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests.Matrix;

/// <summary>Rows 67 and 68 of the matrix: an image belongs to one writer, a base to many readers.</summary>
[Collection(MatrixCollection.Name)]
public sealed class LockRows(MatrixFixture fixture, ITestOutputHelper output)
{
    private readonly MatrixRunner _runner = new(fixture, output);

    [Fact]
    public async Task Row_67_an_image_that_QEMU_serves_is_in_use_and_the_other_way_round()
    {
        string directory = fixture.Make("C t.qcow2 64M");
        string disk = $"{directory}/t.qcow2", path = fixture.Daemon.Disk(disk);
        MatrixFixture.RunIn(fixture.Daemon.Disk(directory), "qemu-nbd --fork --pid-file=pid -k $PWD/s -f qcow2 t.qcow2 </dev/null >/dev/null 2>&1");
        try
        {
            Assert.Contains("in use", await _runner.RefusedAsync(disk, readOnly: false), StringComparison.Ordinal);
        }
        finally
        {
            MatrixFixture.RunIn(fixture.Daemon.Disk(directory), "pid=$(cat pid); kill $pid; while kill -0 $pid 2>/dev/null; do sleep 0.01; done");
        }
        MatrixDisk model = new(path);
        await _runner.ServeAsync(disk, async session =>
        {
            await _runner.OperateAsync(session, model);
            Assert.Contains("Failed to get", QemuImg.Io(path, "write 0 512").ToString(), StringComparison.Ordinal);
            Assert.Contains("Failed to get", QemuImg.Run("info", path).ToString(), StringComparison.Ordinal);
            Assert.Contains("Failed to get", QemuImg.Run("check", path).ToString(), StringComparison.Ordinal);
            Assert.True(QemuImg.Run("info", "-U", path).Succeeded);
        });
        model.AssertFile(new MatrixRow("67", Served.Writable, ""));
    }

    [Fact]
    public async Task Row_68_a_base_that_is_served_through_takes_no_writer_and_a_second_overlay()
    {
        string directory = fixture.Make("C -b base.qcow2 -F qcow2 t.qcow2 && C -b base.qcow2 -F qcow2 u.qcow2");
        MatrixDisk first = new(fixture.Daemon.Disk($"{directory}/t.qcow2")), second = new(fixture.Daemon.Disk($"{directory}/u.qcow2"));
        await _runner.ServeAsync($"{directory}/t.qcow2", async session =>
        {
            string refusal = QemuImg.Io(fixture.Daemon.Disk($"{directory}/base.qcow2"), "write 0 512").ToString();
            Assert.Contains("Failed to get \"write\" lock", refusal, StringComparison.Ordinal);
            await _runner.ServeAsync($"{directory}/u.qcow2", other => _runner.OperateAsync(other, second));
            await _runner.OperateAsync(session, first);
        });
        first.AssertFile(new MatrixRow("68", Served.Writable, ""));
        second.AssertFile(new MatrixRow("68", Served.Writable, ""));
    }
}

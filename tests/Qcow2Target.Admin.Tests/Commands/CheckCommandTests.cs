using Qcow2Target.Testing;

namespace Qcow2Target.Admin.Tests.Commands;

public sealed class CheckCommandTests : IDisposable
{
    private readonly TempDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("clean", 0, 0, 0, "clean\n")]
    [InlineData("leaks", 0, 3, 0, "3 leaked clusters, nothing else: they cost space, no data\n")]
    [InlineData("corrupt", 2, 1, 1, "corrupt: 2 errors, 1 leaked clusters\n  a finding\n")]
    public async Task A_served_disk_is_checked_by_the_daemon(string outcome, int errors, int leaks, int exitCode, string printed)
    {
        string findings = outcome == "corrupt" ? "\"a finding\"" : "";
        using var server = FakeControlServer.Replying($$$"""{"error":"","result":{"outcome":"{{{outcome}}}","errors":{{{errors}}},"leaks":{{{leaks}}},"findings":[{{{findings}}}]},"Type":"CHECK"}""");
        Assert.Equal(new AdminRun(exitCode, printed, ""), await AdminRun.AgainstAsync(server, ["check", "-t", "iqn.a", "-l", "3"]));
        Assert.Equal(["""{"type":"CHECK","command":{"target_name":"iqn.a","lun_id":3}}"""], server.Received);
    }

    [Fact]
    public async Task A_file_is_checked_and_its_leaks_are_put_right()
    {
        string image = _folder["t.qcow2"];
        QemuImg.Create(image, 4 << 20);
        QemuImg.Io(image, "write -P 3 0 128k").EnsureSuccess();
        // The second entry of the first L2 table: its cluster is lost.
        using (FileStream file = File.OpenWrite(image))
        {
            file.Position = 262152;
            file.Write(new byte[8]);
        }

        using var server = FakeControlServer.Replying("{}");
        AdminRun found = await AdminRun.AgainstAsync(server, ["check", image]);
        Assert.Equal(0, found.ExitCode);
        Assert.StartsWith("1 leaked clusters", found.Output, StringComparison.Ordinal);
        AdminRun repaired = await AdminRun.AgainstAsync(server, ["check", "--repair", "leaks", image]);
        Assert.Equal(0, repaired.ExitCode);
        Assert.EndsWith("clean\n", repaired.Output, StringComparison.Ordinal);
        Assert.Equal(CheckVerdict.Clean, QemuImg.Check(image));
        Assert.Empty(server.Received);
    }

    [Fact]
    public async Task Damage_is_an_exit_code_of_1()
    {
        string image = _folder["t.qcow2"];
        QemuImg.Create(image, 4 << 20);
        QemuImg.Io(image, "write -P 3 0 64k").EnsureSuccess();
        using (FileStream file = File.OpenWrite(image))
        {
            file.Position = 131082;
            file.Write(new byte[2]);
        }

        using var server = FakeControlServer.Replying("{}");
        AdminRun run = await AdminRun.AgainstAsync(server, ["check", image]);
        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith("corrupt: 2 errors", run.Output, StringComparison.Ordinal);
        Assert.Equal(1, (await AdminRun.AgainstAsync(server, ["check", _folder["missing.qcow2"]])).ExitCode);
    }

    [Theory]
    [InlineData("check")]
    [InlineData("check", "-t", "iqn.a")]
    [InlineData("check", "file", "-t", "iqn.a", "-l", "0")]
    [InlineData("check", "-t", "iqn.a", "-l", "0", "--repair", "all")]
    [InlineData("check", "file", "--repair", "everything")]
    public async Task Either_a_file_or_a_disk_is_named(params string[] arguments)
    {
        using var server = FakeControlServer.Replying("{}");
        Assert.Equal(1, (await AdminRun.AgainstAsync(server, arguments)).ExitCode);
        Assert.Empty(server.Received);
    }
}

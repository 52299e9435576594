using Newtonsoft.Json.Linq;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>qcow2targetadmin against the real daemon, in the words that scripts in use say.</summary>
public sealed class CommandLineTests : IAsyncLifetime
{
    private const string Target = "iqn.2018-05.local:admin";
    private DaemonProcess? _started;

    private DaemonProcess Daemon => _started!;

    public async Task InitializeAsync()
    {
        _started = await DaemonProcess.StartAsync();
        QemuImg.Create(Daemon.Disk("disk.qcow2"), 1 << 20);
    }

    public Task DisposeAsync() => Daemon.EndCleanlyAsync();

    [Fact]
    public async Task A_script_adds_attaches_lists_detaches_and_deletes()
    {
        Admin("addtarget", "-t", Target).EnsureSuccess();
        Admin("attach", "--target_name", Target, "--disk_path=disk.qcow2").EnsureSuccess();
        JObject listed = JObject.Parse(Admin("list", "--json").EnsureSuccess().Output);
        Assert.Contains("disk.qcow2", listed.ToString(), StringComparison.Ordinal);
        Assert.Contains(Target, Admin("list").EnsureSuccess().Output, StringComparison.Ordinal);
        Admin("detachlun", "-t", Target, "-l", "0").EnsureSuccess();
        Admin("attach", "--target-name", Target, "-d", Daemon.Disk("disk.qcow2")).EnsureSuccess();
        Assert.Contains("disk.qcow2", Admin("cleartarget", $"--target_name={Target}").EnsureSuccess().Output, StringComparison.Ordinal);
        Admin("deletetarget", "-t", Target).EnsureSuccess();
        Assert.Empty(await Daemon.ListAsync());
    }

    [Theory]
    [InlineData("deletetarget", "-t", "iqn.2018-05.local:nobody")]
    [InlineData("attach", "-t", "iqn.2018-05.local:nobody", "-d", "disk.qcow2")]
    public void A_refusal_is_told_on_stderr_with_exit_code_1(params string[] arguments)
    {
        ToolResult refused = Admin(arguments);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("target does not exist", refused.ErrorOutput, StringComparison.Ordinal);
        Assert.DoesNotContain("target does not exist", refused.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("attach", "-t", Target)]
    [InlineData("rename", "-t", Target)]
    public void A_wrong_command_line_is_told_with_exit_code_1(params string[] arguments) => Assert.Equal(1, Admin(arguments).ExitCode);

    [Fact]
    public void A_daemon_that_is_not_there_is_told_with_exit_code_1()
    {
        ToolResult refused = Tool.Run(DaemonProcess.AdminBinary, ["--socket", Daemon.ControlSocket + ".not", "list"]);
        Assert.Equal(1, refused.ExitCode);
        Assert.NotEqual("", refused.ErrorOutput.Trim());
    }

    private ToolResult Admin(params string[] arguments) => Tool.Run(DaemonProcess.AdminBinary, [.. arguments, "--socket", Daemon.ControlSocket]);
}

using System.Diagnostics;
using Newtonsoft.Json.Linq;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>Start, stop and start again.</summary>
public sealed class DaemonLifeTests(ITestOutputHelper output)
{
    private const string Target = "iqn.2018-05.local:life";

    [Fact]
    public async Task After_a_restart_everything_is_served_as_before()
    {
        await using DaemonProcess daemon = await StartWithDiskAsync();
        byte[] data = new byte[65536], read = new byte[65536];
        Random.Shared.NextBytes(data);
        await using (InitiatorSession session = await ReadyAsync(daemon))
        {
            await session.MustAsync(Cdb.Write16(100, data));
            await session.LogoutAsync();
        }
        JObject before = await daemon.ListAsync();
        string serial = Libiscsi.Inquiry(daemon.Url(Target), "-e", "1", "-c", "128");

        await daemon.StopAsync();
        Assert.Equal(CheckVerdict.Clean, QemuImg.Check(daemon.Disk("disk.qcow2")));
        await daemon.StartAgainAsync();

        Assert.Equal(before[Target]!["logical_units"]!.ToString(), (await daemon.ListAsync())[Target]!["logical_units"]!.ToString());
        Assert.Equal(serial, Libiscsi.Inquiry(daemon.Url(Target), "-e", "1", "-c", "128"));
        await using InitiatorSession again = await ReadyAsync(daemon);
        await again.MustAsync(Cdb.Read16(100, read));
        Assert.Equal(data, read);
        await again.LogoutAsync();
    }

    /// <summary>The state file of an older daemon may hold such disks: they were served, and are, but not silently.</summary>
    [Fact]
    public async Task Two_disks_that_the_state_file_gives_one_serial_number_are_served_and_told_of()
    {
        await using DaemonProcess daemon = await StartWithDiskAsync();
        foreach (string serial in new[] { "TWIN-1", "TWIN-2" })
        {
            QemuImg.Create(daemon.Disk($"{serial}.qcow2"), 1 << 20);
            await daemon.MustAsync("ATTACH", new { target_name = Target, disk_path = $"{serial}.qcow2", serial });
        }
        await daemon.StopAsync();
        string file = Path.Combine(daemon.StateFolder, "state.json");
        await File.WriteAllTextAsync(file, (await File.ReadAllTextAsync(file)).Replace("\"TWIN-2\"", "\"TWIN-1\"", StringComparison.Ordinal));
        await daemon.StartAgainAsync();

        JToken units = (await daemon.MustAsync("LIST", new { target_name = Target }))[Target]!["logical_units"]!;
        Assert.Equal(["TWIN-1", "TWIN-1"], units.Skip(1).Select(unit => unit.Value<string>("serial")));
        Assert.All(units, unit => Assert.Equal("ready", unit.Value<string>("state")));
        Assert.Contains("have one serial number", daemon.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stop_under_write_load_leaves_a_clean_image()
    {
        await using DaemonProcess daemon = await StartWithDiskAsync();
        await using InitiatorSession session = await ReadyAsync(daemon);
        byte[] data = new byte[4096];
        int acknowledged = 0;
        TaskCompletionSource busy = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task writing = Task.WhenAll(Enumerable.Range(0, 8).Select(WriteAsync));
        await busy.Task.WaitAsync(TimeSpan.FromSeconds(20));
        await daemon.StopAsync();
        await writing;
        Assert.True(QemuImg.Check(daemon.Disk("disk.qcow2"), out string words) == CheckVerdict.Clean, words);
        Assert.DoesNotContain(".sock", string.Join(' ', Directory.GetFiles(Path.GetDirectoryName(daemon.ControlSocket)!)), StringComparison.Ordinal);

        async Task WriteAsync(int worker)
        {
            try
            {
                for (int i = worker; ; i += 8)
                {
                    ScsiResult result = await session.ExecuteAsync(Cdb.Write16(i % 2000 * 8, data));
                    if (result.IsGood && Interlocked.Increment(ref acknowledged) == 100) busy.TrySetResult();
                }
            }
            catch (IOException)
            {
                // The daemon has closed the connection, or refused the command, on its way down.
            }
        }
    }

    [Fact]
    public async Task A_socket_that_a_dead_daemon_left_is_replaced()
    {
        await using DaemonProcess daemon = await StartWithDiskAsync();
        await daemon.KillAsync();
        Assert.True(File.Exists(daemon.ControlSocket));
        await daemon.StartAgainAsync();
        Assert.Single((await daemon.ListAsync())[Target]!["logical_units"]!);
    }

    [Fact]
    public async Task A_socket_that_a_living_daemon_answers_on_is_left_alone()
    {
        await using DaemonProcess daemon = await StartWithDiskAsync();
        ToolResult second = RunSecond(daemon, "--control-socket", daemon.ControlSocket);
        Assert.NotEqual(0, second.ExitCode);
        Assert.Contains(daemon.ControlSocket, second.Output + second.ErrorOutput, StringComparison.Ordinal);
        Assert.Single(await daemon.ListAsync());
    }

    [Fact]
    public async Task A_file_in_the_place_of_the_socket_is_left_alone()
    {
        await using DaemonProcess daemon = await StartWithDiskAsync();
        string file = daemon.Disk("precious");
        File.WriteAllText(file, "mine");
        ToolResult second = RunSecond(daemon, "--control-socket", file);
        Assert.NotEqual(0, second.ExitCode);
        Assert.Equal("mine", File.ReadAllText(file));
    }

    [Fact]
    public async Task The_socket_is_for_owner_and_group_only()
    {
        await using DaemonProcess daemon = await StartWithDiskAsync();
        Assert.Equal("660", Tool.Run("stat", ["-c", "%a", daemon.ControlSocket]).EnsureSuccess().Output.Trim());
    }

    [Fact]
    public async Task An_idle_daemon_with_a_connected_initiator_uses_no_processor_time()
    {
        await using DaemonProcess daemon = await StartWithDiskAsync();
        await using InitiatorSession session = await ReadyAsync(daemon);
        using Process process = Process.GetProcessById(daemon.ProcessId);
        TimeSpan before = process.TotalProcessorTime;
        long start = Stopwatch.GetTimestamp();
        await Eventually.That(() => Stopwatch.GetElapsedTime(start) > TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(5), "three idle seconds");
        process.Refresh();
        Assert.InRange(process.TotalProcessorTime - before, TimeSpan.Zero, TimeSpan.FromMilliseconds(600));
    }

    private async Task<DaemonProcess> StartWithDiskAsync()
    {
        DaemonProcess daemon = await DaemonProcess.StartAsync(output);
        QemuImg.Create(daemon.Disk("disk.qcow2"), 16 << 20);
        await daemon.AddTargetAsync(Target);
        await daemon.AttachAsync(Target, "disk.qcow2");
        return daemon;
    }

    private static Task<InitiatorSession> ReadyAsync(DaemonProcess daemon) =>
        InitiatorSession.ReadyAsync(daemon.Portal, new SessionOptions { TargetName = Target });

    private static ToolResult RunSecond(DaemonProcess daemon, params string[] options) => Tool.Run(
        DaemonProcess.Binary,
        ["--disks-root", daemon.Disks, "--state-dir", daemon.StateFolder + "-2", "--portal", $"127.0.0.1:{DaemonProcess.FreePort()}", .. options],
        TimeSpan.FromSeconds(30));
}

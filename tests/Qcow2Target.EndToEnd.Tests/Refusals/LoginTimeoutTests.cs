using System.Diagnostics;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests.Refusals;

/// <summary>A login has its time and no more, wherever it stops; a session has all the time that it wants.</summary>
public sealed class LoginTimeoutTests(ITestOutputHelper output)
{
    private const string Target = "iqn.2018-05.local:patient";
    private static readonly TimeSpan LoginTimeout = TimeSpan.FromSeconds(1.5);

    /// <summary>Where a login stops.</summary>
    private static readonly Dictionary<string, Func<RawLogin, Task>> Stops = new()
    {
        ["before its first byte"] = _ => Task.CompletedTask,
        ["in a header"] = login => login.SendAsync(new byte[] { 0x43, 0x87, 0, 0 }),
        ["before the data of a request"] = login => login.SendAsync(login.Bytes(RawLogin.OperationalToFull, login.Names(Target)).AsMemory(0, 60)),
        ["in a text that goes on"] = login => login.AskAsync(RawLogin.Operational | RawLogin.Continued, login.Names(Target)),
        ["between two stages"] = login => login.AskAsync(RawLogin.SecurityToOperational, login.Names(Target)),
    };

    [Fact]
    public async Task A_login_that_stops_anywhere_is_ended_and_a_session_is_not()
    {
        using TempDirectory folder = new();
        string config = folder.File("daemon.hocon", "qcow2target.login-timeout = 1500ms\nqcow2target.nop-interval = 1s\n"u8.ToArray());
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(output, options: ["--config", config]);
        QemuImg.Create(daemon.Disk("disk.qcow2"), 1 << 20);
        await daemon.AddTargetAsync(Target);
        await daemon.AttachAsync(Target, "disk.qcow2");
        using ScriptedSession session = await ScriptedSession.LoginAsync(daemon.Portal, new SessionOptions { TargetName = Target });
        using ScriptedSession discovery = await ScriptedSession.LoginAsync(daemon.Portal, new SessionOptions());
        await Task.WhenAll(Stops.Select(stop => EndsAsync(daemon, stop.Key, stop.Value)));

        // The session has been silent all the time: it is asked whether it lives, and it need not answer.
        RawPdu ping = await session.ReceiveAnyAsync() ?? throw new IOException("the session was ended");
        Assert.True(ScriptedSession.IsPing(ping), $"{ping}");
        await session.TestUnitReadyAsync();
        await discovery.MustEndAsync();
        await daemon.EndCleanlyAsync();
    }

    private static async Task EndsAsync(DaemonProcess daemon, string where, Func<RawLogin, Task> stop)
    {
        using RawLogin login = await RawLogin.ConnectAsync(daemon);
        Stopwatch watch = Stopwatch.StartNew();
        await stop(login);
        await login.MustEndAsync();
        Assert.True(watch.Elapsed > LoginTimeout / 2 && watch.Elapsed < LoginTimeout * 4, $"{where}: ended after {watch.Elapsed}");
    }
}

using System.Net;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.EndToEnd.Tests.Load;
using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests.Harness;

/// <summary>A daemon with short patience, a session of an honest initiator on it, and what the daemon held before anybody else came.</summary>
public sealed class BadPeersFixture : IAsyncLifetime
{
    public const string Target = "iqn.2018-05.local:victim", Honest = "iqn.2018-05.local:honest";

    /// <summary>What the daemon may ever hold resident, whatever comes.</summary>
    private const long MostBytes = 512L << 20;

    private const int Blocks = 2048, Depth = 4;
    private static readonly TimeSpan LoginLimit = TimeSpan.FromSeconds(10), ReturnLimit = TimeSpan.FromSeconds(20);
    private static readonly LoadMix Mix = new(Writes: 40, Unmaps: 5, Flushes: 1, LongestRun: 8);
    private readonly BlockLedger _ledger = new(1, Blocks);
    private DaemonProcess? _daemon;
    private InitiatorSession? _session;
    private DaemonFigures? _before;
    private int _addresses = 1;

    internal DaemonProcess Daemon => _daemon!;

    public async Task InitializeAsync()
    {
        _daemon = await StartAsync(loginTimeout: "60s");
        QemuImg.Create(_daemon.Disk("disk.qcow2"), 64 << 20);
        await _daemon.AddTargetAsync(Target);
        await _daemon.AttachAsync(Target, "disk.qcow2");
        _session = await InitiatorSession.ReadyAsync(_daemon.Portal, Options);
        await new VerifiedLoad(_session, _ledger, Mix, 1).RunAsync(Depth, new Countdown(200).GoOn);
        _before = DaemonFigures.Of(_daemon.ProcessId);
    }

    public async Task DisposeAsync()
    {
        if (_session is not null) await _session.DisposeAsync();
        if (_daemon is not null) await _daemon.EndCleanlyAsync();
    }

    /// <summary>A daemon that is quick to find dead peers. A login has longer than any test waits, unless told: who comes in does so although others stay.</summary>
    internal static async Task<DaemonProcess> StartAsync(string loginTimeout)
    {
        using TempDirectory folder = new();
        string config = folder.File("daemon.hocon", System.Text.Encoding.UTF8.GetBytes(
            $"qcow2target.login-timeout = {loginTimeout}\nqcow2target.nop-interval = 1s\nqcow2target.tcp-user-timeout = 2s\n"));
        return await DaemonProcess.StartAsync(options: ["--config", config]);
    }

    /// <summary>An honest initiator logs in and out again.</summary>
    internal async Task LogInAndOutAsync()
    {
        await using InitiatorSession other = await InitiatorSession.ReadyAsync(Daemon.Portal, Options with { InitiatorName = Honest + "-2" }).WaitAsync(LoginLimit);
        await other.LogoutAsync();
    }

    /// <summary>A loopback address that no other peer had: the log counts by it.</summary>
    internal IPAddress NewAddress() => new([127, 0, 1, (byte)Interlocked.Increment(ref _addresses)]);

    private static SessionOptions Options => new() { TargetName = Target, InitiatorName = Honest };

    /// <summary>
    /// Runs an attack under a verified load. While its connections are still there a new login comes through; afterwards the old session goes on, the daemon
    /// is back to what it held, has never held more than its limit, and its log has told of the attack in few lines.
    /// </summary>
    /// <param name="attack">What the peers do; what it returns is closed only after a new login was let in.</param>
    /// <param name="told">What the log must say of it.</param>
    /// <param name="mostLines">Lines of the log that it may cost; each 10 s bring one more of each kind.</param>
    internal async Task UnharmedByAsync(Func<Task<IEnumerable<IDisposable>>> attack, string? told, int mostLines = 8)
    {
        int logBefore = Daemon.Log.Length;
        bool isOver = false;
        VerifiedLoad load = new(_session!, _ledger, Mix, 2);
        Task loading = load.RunAsync(Depth, () => !Volatile.Read(ref isOver) || load.Operations < 50);
        IDisposable[] held = [];
        try
        {
            held = [.. await attack()];
            await LogInAndOutAsync();
        }
        finally
        {
            Volatile.Write(ref isOver, true);
            foreach (IDisposable one in held) one.Dispose();
        }
        await loading.WaitAsync(TimeSpan.FromSeconds(30));
        await Eventually.That(() => DaemonFigures.Of(Daemon.ProcessId) is var now && now.Descriptors <= _before!.Descriptors && now.Sessions <= _before.Sessions, ReturnLimit, "descriptors and sessions are back");
        Assert.InRange(DaemonFigures.Of(Daemon.ProcessId).PeakBytes, 0, MostBytes);
        if (told is not null) await Eventually.That(() => Daemon.Log.IndexOf(told, logBefore, StringComparison.Ordinal) >= 0, TimeSpan.FromSeconds(15), $"the log says: {told}");
        string[] warnings = [.. Daemon.Log[logBefore..].Split('\n').Where(line => line.Contains(" WRN ", StringComparison.Ordinal) || line.Contains(" ERR ", StringComparison.Ordinal))];
        Assert.True(warnings.Length <= mostLines, string.Join('\n', warnings));
        Assert.DoesNotContain(warnings, line => line.Contains(" ERR ", StringComparison.Ordinal));
    }

    private sealed class Countdown(int count)
    {
        public bool GoOn() => Interlocked.Decrement(ref count) >= 0;
    }
}

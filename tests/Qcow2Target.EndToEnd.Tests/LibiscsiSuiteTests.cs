using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>
/// The whole of libiscsi's own test suite, one leaf test at a time in a process of its own, because a test that fails leaves its session
/// in a state that fails the next. Each runs on the LUN that suits it; what runs on any does so behind CHAP too. A test is let off only by an entry below, with its reason.
/// </summary>
public sealed class LibiscsiSuiteTests(LibiscsiSuiteTests.SuiteDisks disks, ITestOutputHelper output) : IClassFixture<LibiscsiSuiteTests.SuiteDisks>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>For those that cannot pass: what they try before that is over.</summary>
    private static readonly TimeSpan LimitOfTheHopeless = TimeSpan.FromSeconds(10);

    private const string NoAtomicWrites = "WRITE ATOMIC is not offered: the entries of a long write lie in more than one sector, so power can fail between them";
    private const string NoCryptographicErase = "cryptographic erase is not offered: images are not encrypted, there is no key to throw away";

    /// <summary>Tests that say [SKIPPED], in whole or in part, and why.</summary>
    private static readonly Dictionary<string, string> Skips = new()
    {
        ["WriteAtomic16.Simple"] = NoAtomicWrites,
        ["WriteAtomic16.BeyondEol"] = NoAtomicWrites,
        ["WriteAtomic16.ZeroBlocks"] = NoAtomicWrites,
        ["WriteAtomic16.WriteProtect"] = NoAtomicWrites,
        ["WriteAtomic16.DpoFua"] = NoAtomicWrites,
        ["WriteAtomic16.VPD"] = NoAtomicWrites,
        ["Sanitize.CryptoErase"] = NoCryptographicErase,
        ["Sanitize.Readonly"] = NoCryptographicErase,
        ["Sanitize.Reservations"] = NoCryptographicErase,
    };

    /// <summary>Tests that no target can pass, and why.</summary>
    private static readonly Dictionary<string, string> CannotPass = new()
    {
        ["iSCSITMF.LUNResetSimpleAsync"] = "1.19 asserts, right after it has queued the reset, a flag that only the reset's callback sets; TaskManagementTests does this one",
        ["Sanitize.Reset"] = "it wants the overwriting to last longer than its own five seconds and then sleeps for a minute before it looks again; SanitizeTests does this one",
    };

    /// <summary>Tests that need 4 KiB physical blocks. Of the others some fail with them, by faults of their own.</summary>
    private static readonly HashSet<string> OfLargeBlocks =
    [
        "CompareAndWrite.InvalidDataOutSize",
        "WriteSame10.UnmapUnaligned", "WriteSame10.InvalidDataOutSize",
        "WriteSame16.UnmapUnaligned", "WriteSame16.InvalidDataOutSize",
    ];

    public static TheoryData<string> LeafTests => [.. Libiscsi.ListTests()];

    public static TheoryData<string> TestsOfTwoPaths => [.. Libiscsi.ListTests().Where(WantsTwoPaths)];

    public static TheoryData<string> TestsOfAnyLun => [.. Libiscsi.ListTests().Where(test => SuiteDisks.SuitsAnyLun(test) && !CannotPass.ContainsKey(test))];

    [Theory]
    [MemberData(nameof(LeafTests))]
    public void Passes(string test) => Run(test, disks.PathsFor(test));

    [Theory]
    [MemberData(nameof(TestsOfTwoPaths))]
    public void Passes_by_way_of_two_portals(string test) => Run(test, disks.TwoPortals);

    [Theory]
    [MemberData(nameof(TestsOfAnyLun))]
    public void Passes_behind_chap(string test) => Run(test, disks.PathsBehindChapFor(test));

    [Fact]
    public void The_exceptions_are_tests_of_the_installed_suite()
    {
        string[] installed = [.. Libiscsi.ListTests()];
        Assert.Equal(230, installed.Length);
        Assert.Subset(installed.ToHashSet(), new HashSet<string>([.. Skips.Keys, .. CannotPass.Keys, .. OfLargeBlocks]));
    }

    private static bool WantsTwoPaths(string test) => test.StartsWith("MultipathIO.", StringComparison.Ordinal);

    private void Run(string test, string[] urls)
    {
        string? cannot = CannotPass.GetValueOrDefault(test);
        SuiteResult result = Libiscsi.RunTest(test, urls, cannot is null ? Limit : LimitOfTheHopeless);
        output.WriteLine(result.Output);
        disks.Daemon.MustBeAlive();
        if (cannot is not null) output.WriteLine($"let off: {cannot}");
        else Assert.Equal(Skips.ContainsKey(test) ? SuiteVerdict.Skipped : SuiteVerdict.Passed, result.Verdict);
    }

    /// <summary>Disks of just under 1 GiB, one of each kind: READ(6) must reach all of it, and the large transfers of the suite must fit.</summary>
    public sealed class SuiteDisks : IAsyncLifetime
    {
        private const string Target = "iqn.2018-05.local:suite", GuardedTarget = "iqn.2018-05.local:guarded-suite";
        private const string User = "suite", Secret = "a-secret-of-its-own";
        private const int Usual = 0;
        private const int ReadOnly = 1;
        private const int Removable = 2;
        private const int LargeBlocks = 3;
        private const int ToSanitize = 4;

        /// <summary>One that is still being overwritten when its test has been given up.</summary>
        private const int ToSanitizeForLong = 5;

        /// <summary>One for each way: MultipathIO.CompareAndWrite compares one block more than it has zeroed, which passes once.</summary>
        private const int TwoPaths = 6;
        private const int TwoPathsByTwoPortals = 7;
        private readonly string _secondPortal = $"{(HostNetwork.HasIPv6 ? "[::1]" : "127.0.0.2")}:{DaemonProcess.FreePort()}";
        private DaemonProcess? _daemon;

        internal DaemonProcess Daemon => _daemon ?? throw new InvalidOperationException("the daemon was not started");

        public async Task InitializeAsync()
        {
            _daemon = await DaemonProcess.StartAsync(options: ["--portal", _secondPortal]);
            await _daemon.AddTargetAsync(Target);
            for (int lun = Usual; lun <= TwoPathsByTwoPortals; lun++) await AttachAsync(Target, lun);
            await _daemon.MustAsync("ADDTARGET", new { target_name = GuardedTarget, chap = new { name = User, secret = Secret } });
            await AttachAsync(GuardedTarget, Usual);
            await AttachAsync(GuardedTarget, TwoPaths);
        }

        public async Task DisposeAsync()
        {
            if (_daemon is not null) await _daemon.EndCleanlyAsync();
        }

        internal static bool SuitsAnyLun(string test) => LunFor(test) is Usual or TwoPaths;

        /// <summary>The LUN that suits a test; twice for two paths.</summary>
        internal string[] PathsFor(string test)
        {
            string url = Url("", FirstPortal, Target, LunFor(test));
            return WantsTwoPaths(test) ? [url, url] : [url];
        }

        /// <summary>One LUN by two portals.</summary>
        internal string[] TwoPortals => [.. Portals.Select(portal => Url("", portal, Target, TwoPathsByTwoPortals))];

        /// <summary>A LUN whose target asks for CHAP; by both portals for two paths.</summary>
        internal string[] PathsBehindChapFor(string test) =>
            [.. Portals.Take(WantsTwoPaths(test) ? 2 : 1).Select(portal => Url($"{User}%{Secret}@", portal, GuardedTarget, LunFor(test)))];

        private string FirstPortal => Daemon.Portal.ToString();

        private string[] Portals => [FirstPortal, _secondPortal];

        private static int LunFor(string test) => test.Split('.')[0] switch
        {
            "ReadOnly" => ReadOnly,
            "NoMedia" or "PreventAllow" or "StartStopUnit" => Removable,
            "Sanitize" => test == "Sanitize.Reset" ? ToSanitizeForLong : ToSanitize,
            "MultipathIO" => TwoPaths,
            _ => OfLargeBlocks.Contains(test) ? LargeBlocks : Usual,
        };

        private static string Url(string credentials, string portal, string target, int lun) => $"iscsi://{credentials}{portal}/{target}/{lun}";

        private async Task AttachAsync(string target, int lun)
        {
            string name = $"{target.Split(':')[1]}-{lun}.qcow2";
            QemuImg.Create(Daemon.Disk(name), (1L << 30) - (1 << 20));
            await Daemon.MustAsync("ATTACH", new
            {
                target_name = target,
                disk_path = name,
                lun_id = lun,
                read_only = lun == ReadOnly,
                removable = lun == Removable,
                physical_block_size = lun == LargeBlocks ? 4096 : 512,
            });
        }
    }
}

using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>
/// The whole of libiscsi's own test suite, one leaf test at a time in a process of its own, because a test that fails leaves its session
/// in a state that fails the next. Each runs on the LUN that suits it. A test is let off only by an entry below, with its reason.
/// </summary>
public sealed class LibiscsiSuiteTests(LibiscsiSuiteTests.SuiteDisks disks, ITestOutputHelper output) : IClassFixture<LibiscsiSuiteTests.SuiteDisks>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

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
        ["Sanitize.Reset"] = "it wants the overwriting to last some seconds and then asks once a minute whether it has ended; SanitizeTests does this one",
    };

    /// <summary>Tests that need 4 KiB physical blocks. Of the others some fail with them, by faults of their own.</summary>
    private static readonly HashSet<string> OfLargeBlocks =
    [
        "CompareAndWrite.InvalidDataOutSize",
        "WriteSame10.UnmapUnaligned", "WriteSame10.InvalidDataOutSize",
        "WriteSame16.UnmapUnaligned", "WriteSame16.InvalidDataOutSize",
    ];

    public static TheoryData<string> LeafTests => [.. Libiscsi.ListTests()];

    [Theory]
    [MemberData(nameof(LeafTests))]
    public void Passes(string test)
    {
        SuiteResult result = Libiscsi.RunTest(test, disks.UrlsFor(test), Limit);
        output.WriteLine(result.Output);
        disks.Daemon.MustBeAlive();
        if (CannotPass.TryGetValue(test, out string? reason)) output.WriteLine($"let off: {reason}");
        else Assert.Equal(Skips.ContainsKey(test) ? SuiteVerdict.Skipped : SuiteVerdict.Passed, result.Verdict);
    }

    [Fact]
    public void The_exceptions_are_tests_of_the_installed_suite()
    {
        string[] installed = [.. Libiscsi.ListTests()];
        Assert.Equal(230, installed.Length);
        Assert.Subset(installed.ToHashSet(), new HashSet<string>([.. Skips.Keys, .. CannotPass.Keys, .. OfLargeBlocks]));
    }

    /// <summary>Disks of just under 1 GiB, one of each kind: READ(6) must reach all of it, and the large transfers of the suite must fit.</summary>
    public sealed class SuiteDisks : IAsyncLifetime
    {
        private const string Target = "iqn.2018-05.local:suite";
        private const int Usual = 0;
        private const int ReadOnly = 1;
        private const int Removable = 2;
        private const int LargeBlocks = 3;
        private const int ToSanitize = 4;
        private DaemonProcess? _daemon;

        internal DaemonProcess Daemon => _daemon ?? throw new InvalidOperationException("the daemon was not started");

        public async Task InitializeAsync()
        {
            _daemon = await DaemonProcess.StartAsync();
            await _daemon.AddTargetAsync(Target);
            for (int lun = Usual; lun <= ToSanitize; lun++)
            {
                string name = $"suite-{lun}.qcow2";
                QemuImg.Create(_daemon.Disk(name), (1L << 30) - (1 << 20));
                await _daemon.MustAsync("ATTACH", new
                {
                    target_name = Target,
                    disk_path = name,
                    lun_id = lun,
                    read_only = lun == ReadOnly,
                    removable = lun == Removable,
                    physical_block_size = lun == LargeBlocks ? 4096 : 512,
                });
            }
        }

        public async Task DisposeAsync()
        {
            if (_daemon is not null) await _daemon.EndCleanlyAsync();
        }

        /// <summary>Where a test runs; twice for those that want two paths.</summary>
        internal string[] UrlsFor(string test)
        {
            string suite = test.Split('.')[0];
            int lun = suite switch
            {
                "ReadOnly" => ReadOnly,
                "NoMedia" or "PreventAllow" or "StartStopUnit" => Removable,
                "Sanitize" => ToSanitize,
                _ => OfLargeBlocks.Contains(test) ? LargeBlocks : Usual,
            };
            string url = Daemon.Url(Target, lun);
            return suite == "MultipathIO" ? [url, url] : [url];
        }
    }
}

using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>
/// libiscsi's own test suite, one leaf test at a time in a process of its own, because a test that fails leaves its session in a state
/// that fails the next. A test is let off only by an entry below, with its reason.
/// </summary>
public sealed class LibiscsiSuiteTests(LibiscsiSuiteTests.SuiteDisk disk, ITestOutputHelper output) : IClassFixture<LibiscsiSuiteTests.SuiteDisk>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private static readonly string[] Suites =
    [
        "Inquiry", "Mandatory", "Read10", "Read16", "Write10", "Write16", "ReadCapacity10", "ReadCapacity16", "TestUnitReady", "ReportSupportedOpcodes",
        "ModeSense6", "Unmap", "WriteSame10", "WriteSame16", "iSCSIcmdsn", "iSCSIResiduals", "iSCSITMF",
    ];

    /// <summary>Tests that may say [SKIPPED], and why.</summary>
    private static readonly Dictionary<string, string> MaySkip = [];

    /// <summary>Tests that no target can pass, and why.</summary>
    private static readonly Dictionary<string, string> CannotPass = new()
    {
        ["iSCSITMF.LUNResetSimpleAsync"] = "1.19 asserts, right after it has queued the reset, a flag that only the reset's callback sets; TaskManagementTests does this one",
    };

    public static TheoryData<string> LeafTests => [.. Libiscsi.ListTests(Suites)];

    [Theory]
    [MemberData(nameof(LeafTests))]
    public void Passes(string test)
    {
        SuiteResult result = Libiscsi.RunTest(test, disk.Url, Limit);
        output.WriteLine(result.Output);
        disk.Daemon.MustBeAlive();
        if (CannotPass.TryGetValue(test, out string? reason)) output.WriteLine($"let off: {reason}");
        else if (result.Verdict == SuiteVerdict.Skipped) Assert.True(MaySkip.ContainsKey(test), "it skipped, and no entry of MaySkip says why it may");
        else Assert.Equal(SuiteVerdict.Passed, result.Verdict);
    }

    [Fact]
    public void The_installed_suite_has_all_the_families() =>
        Assert.Equal(Suites.Order(), Libiscsi.ListTests(Suites).Select(test => test.Split('.')[0]).Distinct().Order());

    /// <summary>A disk of just under 1 GiB: READ(6) must reach all of it, and the large transfers of the suite must fit.</summary>
    public sealed class SuiteDisk : IAsyncLifetime
    {
        private const string Target = "iqn.2018-05.local:suite";
        private DaemonProcess? _daemon;

        internal DaemonProcess Daemon => _daemon ?? throw new InvalidOperationException("the daemon was not started");

        internal string Url => Daemon.Url(Target);

        public async Task InitializeAsync()
        {
            _daemon = await DaemonProcess.StartAsync();
            QemuImg.Create(_daemon.Disk("suite.qcow2"), (1L << 30) - (1 << 20));
            await _daemon.AddTargetAsync(Target);
            await _daemon.AttachAsync(Target, "suite.qcow2");
        }

        public async Task DisposeAsync()
        {
            if (_daemon is not null) await _daemon.EndCleanlyAsync();
        }
    }
}

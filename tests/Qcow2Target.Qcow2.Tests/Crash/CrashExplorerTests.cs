using System.Diagnostics;
using System.Globalization;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Crash;

/// <summary>
/// Power cuts and kills, explored. The short form runs with the unit tests; <c>tests/explore.sh</c> sets QCOW2TARGET_EXPLORE_STATES or
/// QCOW2TARGET_EXPLORE_SECONDS for a longer one, and QCOW2TARGET_EXPLORE_ROUND (<c>kind:seed</c>) repeats one round, as a finding names it.
/// </summary>
[Trait("Length", "Long")]
public sealed class CrashExplorerTests(ITestOutputHelper output)
{
    private const int Operations = 60;
    private const int SampleOneIn = 40;
    private const int MaxFindings = 3;
    private const int LargeEvery = 3;
    private static readonly TimeSpan ShortForm = TimeSpan.FromSeconds(3);

    [Fact]
    public void No_power_cut_and_no_kill_breaks_a_promise()
    {
        var states = Number("QCOW2TARGET_EXPLORE_STATES");
        var seconds = Number("QCOW2TARGET_EXPLORE_SECONDS");
        var isLong = states is not null || seconds is not null;
        var random = new RandomSource(Print);
        var run = new Run { States = states ?? long.MaxValue, Time = isLong ? TimeSpan.FromSeconds(seconds ?? int.MaxValue) : ShortForm, IsLong = isLong };
        using var sampler = new StateSampler(random, isLong ? SampleOneIn : 0);
        var findings = new List<string>();
        if (Environment.GetEnvironmentVariable("QCOW2TARGET_EXPLORE_ROUND") is { } named)
        {
            var parts = named.Split(':');
            Round(run, Enum.Parse<CrashImageKind>(parts[0]), int.Parse(parts[1], CultureInfo.InvariantCulture), sampler, findings);
        }
        else
        {
            var kinds = Enum.GetValues<CrashImageKind>();
            random.Shuffle(kinds);
            for (var round = 0; !run.IsOver && findings.Count < MaxFindings; round++)
            {
                var kind = kinds[round % kinds.Length];
                if (CrashImages.IsLarge(kind) && round / kinds.Length % LargeEvery != 0) continue;
                Round(run, kind, random.Next(), sampler, findings);
            }
        }
        sampler.Finish();
        findings.AddRange(sampler.Findings);
        Print($"explored {run.Explored} states of {run.Rounds} workloads in {run.Clock.Elapsed.TotalSeconds:0} s ({Environment.CpuUsage.TotalTime.TotalSeconds:0} s of a processor), {sampler.Samples} of them with qemu-img check, {findings.Count} findings");
        foreach (var finding in findings) Print(finding);
        Assert.Empty(findings);
        if (states is not null) Assert.True(run.Explored >= states && sampler.Samples >= states / 100, $"only {run.Explored} states, {sampler.Samples} samples");
    }

    private void Round(Run run, CrashImageKind kind, int seed, StateSampler sampler, List<string> findings)
    {
        var random = new Random(seed);
        run.Rounds++;
        CrashExplorer? explorer = null;
        try
        {
            var workload = new CrashWorkload(CrashImages.Get(kind), new StateFolder(), CrashImages.Get(kind).Initial, CrashExplorer.Boot, random);
            workload.Run(Operations);
            explorer = new CrashExplorer(workload, random, sampler);
            var before = run.Explored;
            explorer.Explore(() =>
            {
                run.Explored = before + explorer.States;
                return run.IsOver;
            });
            run.Explored = before + explorer.States;
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            findings.Add($"FINDING in {kind}:{seed} (tests/explore.sh --round {kind}:{seed} repeats it): {(exception is CrashFinding ? exception.Message : exception)}");
        }
        if (run.IsLong && run.Rounds % 20 == 0) Print($"{run.Explored} states, {run.Clock.Elapsed.TotalSeconds:0} s");
    }

    private void Print(string line)
    {
        output.WriteLine(line);
        if (Number("QCOW2TARGET_EXPLORE_STATES") is not null || Number("QCOW2TARGET_EXPLORE_SECONDS") is not null) Console.WriteLine(line);
    }

    private static long? Number(string variable) =>
        long.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private sealed class Run
    {
        internal required long States { get; init; }

        internal required TimeSpan Time { get; init; }

        internal required bool IsLong { get; init; }

        internal Stopwatch Clock { get; } = Stopwatch.StartNew();

        internal long Explored { get; set; }

        internal int Rounds { get; set; }

        internal bool IsOver => Explored >= States || Clock.Elapsed >= Time;
    }
}

using System.Globalization;
using Qcow2Target.Qcow2.Check;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Check;

/// <summary>Our checker beside QEMU's. QCOW2TARGET_DAMAGED_IMAGES sets how many damaged images are judged by both.</summary>
[Trait("Length", "Long")]
public sealed class ImageCheckerTests(ITestOutputHelper output)
{
    private static readonly int Count = int.Parse(Environment.GetEnvironmentVariable("QCOW2TARGET_DAMAGED_IMAGES") ?? "60", CultureInfo.InvariantCulture);

    public static TheoryData<int> Kinds
    {
        get
        {
            var data = new TheoryData<int>();
            for (var i = 0; i < DamagedImages.Kinds; i++) data.Add(i);
            return data;
        }
    }

    [Fact]
    public void Of_damaged_images_it_says_what_QEMU_says()
    {
        var seed = new RandomSource(output.WriteLine).Seed;
        var disagreements = new List<string>();
        var outcomes = new int[4];
        using var directory = TempDirectory.InMemory();
        Parallel.For(0, Count, new ParallelOptions { MaxDegreeOfParallelism = 2 }, i =>
        {
            var image = DamagedImages.Damage(new Random(unchecked((seed * 31) + i)), out var words);
            var path = directory.File($"t{i}", image);
            var report = ImageChecker.Check(new MemoryBlockFile(image));
            var theirs = QemuImg.Check(path, out var said);
            File.Delete(path);
            lock (outcomes) outcomes[(int)report.Outcome]++;
            if (Same(report.Outcome, theirs) || QemuBlindness.Explains(report, theirs, said, image) is not null) return;
            lock (disagreements) disagreements.Add($"{i} {words}\n  ours: {report.Outcome} {report.Obstacle} {string.Join("; ", report.Findings.Take(5))}\n  theirs: {string.Join("\n    ", said.Split('\n').Take(5))} ... {string.Join("\n    ", said.Split('\n').TakeLast(5))}");
        });
        output.WriteLine($"{outcomes[0]} clean, {outcomes[1]} leaks, {outcomes[2]} corrupt, {outcomes[3]} not checked; {disagreements.Count} disagreements");
        Assert.True(disagreements.Count == 0, string.Join("\n", disagreements.Take(40)));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_QEMU_has_made_it_judges_as_QEMU(int kind)
    {
        var image = DamagedImages.Original(kind);
        using var directory = new TempDirectory();
        var report = ImageChecker.Check(new MemoryBlockFile(image));
        Assert.True(Same(report.Outcome, QemuImg.Check(directory.File("t", image), out var said)), $"{report.Outcome} {string.Join("; ", report.Findings.Take(5))}\n{said}");
    }

    private static bool Same(CheckOutcome ours, CheckVerdict theirs) => theirs switch
    {
        CheckVerdict.Clean => ours == CheckOutcome.Clean,
        CheckVerdict.LeaksOnly => ours == CheckOutcome.Leaks,
        CheckVerdict.Corrupt => ours == CheckOutcome.Corrupt,
        _ => ours == CheckOutcome.NotChecked,
    };
}

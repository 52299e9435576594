using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Hostile;

/// <summary>The corpus of hostile images: each ends as its case says, within the limits of <see cref="HostileProbe"/>.</summary>
public sealed class CorpusTests(ITestOutputHelper output)
{
    private static readonly HostileCase[] All = [.. HeaderCases.Cases, .. TableCases.Cases, .. ForeignCases.Cases];

    [Fact]
    public void Every_case_ends_as_it_must()
    {
        var wrong = new List<string>();
        foreach (var one in All)
        {
            try
            {
                var result = HostileProbe.Run(one.Bend(SeedImages.Bend(one.Seed)), seed: 1);
                output.WriteLine($"{one.Name} ({one.Seed}): {result.Ending}, {result.Faults} faults{(result.Reason is null ? "" : $": {result.Reason}")}");
                if (result.Ending != one.Ending) wrong.Add($"{one.Name} ({one.Seed}) is {result.Ending}, not {one.Ending}: {result.Reason}");
                else if (!(result.Reason ?? "").Contains(one.Words, StringComparison.Ordinal)) wrong.Add($"{one.Name} ({one.Seed}): \"{result.Reason}\" without \"{one.Words}\"");
            }
            catch (Exception exception)
            {
                wrong.Add($"{one.Name} ({one.Seed}): {exception}");
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void The_corpus_has_two_hundred_cases_and_each_its_own_name()
    {
        Assert.True(All.Length >= 200, $"{All.Length} cases");
        Assert.Equal(All.Length, All.Select(one => one.Name).Distinct().Count());
    }

    [Fact]
    public void Unbent_every_seed_image_is_served_for_writing()
    {
        foreach (var name in SeedImages.Names) Assert.Equal((name, Ending.Writable), (name, HostileProbe.Run(SeedImages.Bend(name), seed: 1).Ending));
    }
}

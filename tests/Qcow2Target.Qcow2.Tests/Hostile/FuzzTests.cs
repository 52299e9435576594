using System.Diagnostics;
using System.Globalization;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Hostile;

/// <summary>
/// Bent images by the thousand. QCOW2TARGET_FUZZ_IMAGES sets how many (tests/fuzz-images.sh runs a long one); each has a seed of its own,
/// which a failure tells: QCOW2TARGET_FUZZ_SEED with one image repeats it.
/// </summary>
[Trait("Length", "Long")]
public sealed class FuzzTests(ITestOutputHelper output)
{
    private const int ShortForm = 800;

    [Fact]
    public void Every_bent_image_is_served_right_or_refused_with_a_reason()
    {
        var count = Number("QCOW2TARGET_FUZZ_IMAGES") ?? ShortForm;
        var first = Number("QCOW2TARGET_FUZZ_SEED") ?? new RandomSource(output.WriteLine).Seed;
        var endings = new long[3];
        var (opens, faults, allocated, slowest) = (0L, 0L, 0L, TimeSpan.Zero);
        var started = Stopwatch.GetTimestamp();
        for (var i = 0; i < count; i++)
        {
            var seed = unchecked(first + i);
            var random = new Random(seed);
            var kind = SeedImages.Names[random.Next(SeedImages.Names.Count)];
            var image = SeedImages.Bend(kind);
            var what = new Mutator(random).Bend(image);
            try
            {
                var result = HostileProbe.Run(image, seed);
                endings[(int)result.Ending]++;
                opens += result.Opens;
                faults += result.Faults;
                allocated = Math.Max(allocated, result.Allocated);
                if (result.Took > slowest) slowest = result.Took;
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"seed {seed}: {kind} with {what}: {exception.Message}", exception);
            }
        }
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"seeds {first}..{unchecked(first + count - 1)}: {count} images, {opens} opens: {endings[0]} refused, {endings[1]} read-only, {endings[2]} written; {faults} requests ended in a fault; at most {slowest.TotalMilliseconds:0} ms and {allocated >> 20} MiB for one; {Stopwatch.GetElapsedTime(started).TotalSeconds:0} s"));
        if (count >= ShortForm) Assert.All(endings, ending => Assert.NotEqual(0, ending));
    }

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? number : null;
}

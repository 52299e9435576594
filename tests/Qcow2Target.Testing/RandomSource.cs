using System.Globalization;

namespace Qcow2Target.Testing;

/// <summary>
/// A random generator whose seed the test's output tells: <c>new RandomSource(output.WriteLine)</c>. Setting the environment variable
/// QCOW2TARGET_SEED repeats a run.
/// </summary>
public sealed class RandomSource : Random
{
    /// <param name="print">Where the seed is told, once.</param>
    /// <param name="seed">Absent: a new one each time, or QCOW2TARGET_SEED.</param>
    public RandomSource(Action<string> print, int? seed = null)
        : this(print, Choose(seed))
    {
    }

    private RandomSource(Action<string> print, int seed)
        : base(seed)
    {
        Seed = seed;
        print($"seed {seed} (QCOW2TARGET_SEED={seed} repeats it)");
    }

    public int Seed { get; }

    /// <summary>True once in <paramref name="times"/> on average.</summary>
    public bool Once(int times) => Next(times) == 0;

    /// <summary>One of <paramref name="choices"/>.</summary>
    public T Pick<T>(params ReadOnlySpan<T> choices) => choices[Next(choices.Length)];

    /// <summary><paramref name="count"/> random bytes.</summary>
    public byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        NextBytes(bytes);
        return bytes;
    }

    private static int Choose(int? seed) =>
        seed ?? (int.TryParse(Environment.GetEnvironmentVariable("QCOW2TARGET_SEED"), CultureInfo.InvariantCulture, out var told) ? told : Shared.Next());
}

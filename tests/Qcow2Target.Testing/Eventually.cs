using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Qcow2Target.Testing;

/// <summary>Waits for a condition that something else makes true: looked at every few milliseconds, given up at a limit (10 s unless told).</summary>
public static class Eventually
{
    private static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(2);

    /// <exception cref="TimeoutException">It did not come true; the message carries the condition's text.</exception>
    public static async Task That(Func<bool> condition, TimeSpan? limit = null, [CallerArgumentExpression(nameof(condition))] string what = "") =>
        await That(() => Task.FromResult(condition()), limit, what);

    /// <inheritdoc cref="That(Func{bool}, TimeSpan?, string)"/>
    public static async Task That(Func<Task<bool>> condition, TimeSpan? limit = null, [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        var started = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            ThrowIfOver(started, limit, what);
            await Task.Delay(Pause);
        }
    }

    /// <summary>The same for a test without async: blocks its thread.</summary>
    public static void Now(Func<bool> condition, TimeSpan? limit = null, [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        var started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            ThrowIfOver(started, limit, what);
            Thread.Sleep(Pause);
        }
    }

    private static void ThrowIfOver(long started, TimeSpan? limit, string what)
    {
        var waited = Stopwatch.GetElapsedTime(started);
        if (waited > (limit ?? DefaultLimit)) throw new TimeoutException($"after {waited.TotalSeconds:0.0} s not yet: {what}");
    }
}

using System.Diagnostics.Metrics;
using Qcow2Target.Qcow2.Image;
using Serilog;

namespace Qcow2Target.Server.Hosting;

/// <summary>
/// What the cache of mapping tables does, for whoever listens to the meter <c>Qcow2Target</c>, and in the log now and then. Read where it
/// is asked for: nothing is counted for a lookup that hits.
/// </summary>
internal sealed class CacheMetrics : IDisposable
{
    public const string MeterName = "Qcow2Target";

    /// <summary>The log has a line of it at most this often, and only where tables were read since the last.</summary>
    private static readonly TimeSpan LogInterval = TimeSpan.FromMinutes(5);

    private readonly Meter _meter = new(MeterName);
    private readonly CacheBudget _cache;
    private readonly Timer _timer;
    private long _loadsLogged;

    public CacheMetrics(CacheBudget cache)
    {
        _cache = cache;
        _meter.CreateObservableGauge("qcow2target.cache.used", () => cache.UsedBytes, "By", "Bytes of mapping tables in memory.");
        _meter.CreateObservableGauge("qcow2target.cache.limit", () => cache.Bytes, "By", "Bytes that they may take (cache-size).");
        _meter.CreateObservableCounter("qcow2target.cache.loads", () => cache.Loads, "{table}", "Tables read from files.");
        _meter.CreateObservableCounter("qcow2target.cache.evictions", () => cache.Evictions, "{table}", "Tables that left to make room.");
        _timer = new Timer(_ => LogIfChanged(), null, LogInterval, LogInterval);
    }

    /// <summary>Writes the line if there is news.</summary>
    internal void LogIfChanged()
    {
        var loads = _cache.Loads;
        if (Interlocked.Exchange(ref _loadsLogged, loads) == loads)
            return;
        Log.Information("metrics: cache {UsedBytes} of {LimitBytes} bytes, {Loads} tables loaded, {Evictions} evicted", _cache.UsedBytes, _cache.Bytes, loads, _cache.Evictions);
    }

    public void Dispose()
    {
        _timer.Dispose();
        _meter.Dispose();
    }
}

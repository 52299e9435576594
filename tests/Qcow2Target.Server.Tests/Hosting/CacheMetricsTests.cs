using System.Diagnostics.Metrics;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Server.Hosting;

namespace Qcow2Target.Server.Tests.Hosting;

public sealed class CacheMetricsTests
{
    [Fact]
    public void The_meter_tells_of_the_cache()
    {
        var seen = new Dictionary<string, long>();
        using var metrics = new CacheMetrics(new CacheBudget(1 << 20));
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listening) =>
            {
                if (instrument.Meter.Name == CacheMetrics.MeterName) listening.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => seen[instrument.Name] = value);
        listener.Start();
        listener.RecordObservableInstruments();
        Assert.Equal(1 << 20, seen["qcow2target.cache.limit"]);
        Assert.Equal(0, seen["qcow2target.cache.used"]);
        Assert.Equal(0, seen["qcow2target.cache.loads"]);
        Assert.Equal(0, seen["qcow2target.cache.evictions"]);
    }
}

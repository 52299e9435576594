using System.Globalization;

namespace Qcow2Target.ActorRuntime;

/// <summary>Times and sizes of the configuration.</summary>
internal static class HoconUnits
{
    /// <summary>A number, fractions allowed, and a unit from nanoseconds to days; ms without one.</summary>
    public static bool TryParseTime(string text, bool allowInfinite, out TimeSpan time)
    {
        time = Timeout.InfiniteTimeSpan;
        if (text == "infinite") return allowInfinite;
        (string number, string unit) = Split(text);
        double? milliseconds = unit switch
        {
            "ns" or "nano" or "nanos" or "nanosecond" or "nanoseconds" => 1e-6,
            "us" or "micro" or "micros" or "microsecond" or "microseconds" => 1e-3,
            "" or "ms" or "milli" or "millis" or "millisecond" or "milliseconds" => 1,
            "s" or "second" or "seconds" => 1000,
            "m" or "minute" or "minutes" => 60_000,
            "h" or "hour" or "hours" => 3_600_000,
            "d" or "day" or "days" => 86_400_000,
            _ => null,
        };
        if (milliseconds is null || !double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double count)) return false;
        double total = count * milliseconds.Value;
        if (total >= TimeSpan.MaxValue.TotalMilliseconds) return false;
        time = TimeSpan.FromTicks((long)(total * TimeSpan.TicksPerMillisecond));
        return true;
    }

    /// <summary>A whole number and a unit; bytes without one.</summary>
    public static bool TryParseSize(string text, out long bytes)
    {
        bytes = 0;
        (string number, string unit) = Split(text);
        long? factor = unit switch
        {
            "" or "b" or "B" or "byte" or "bytes" => 1,
            "kB" or "kilobyte" or "kilobytes" => 1000,
            "MB" or "megabyte" or "megabytes" => 1000 * 1000,
            "GB" or "gigabyte" or "gigabytes" => 1000L * 1000 * 1000,
            "TB" or "terabyte" or "terabytes" => 1000L * 1000 * 1000 * 1000,
            "k" or "K" or "Ki" or "KiB" or "kibibyte" or "kibibytes" => 1L << 10,
            "m" or "M" or "Mi" or "MiB" or "mebibyte" or "mebibytes" => 1L << 20,
            "g" or "G" or "Gi" or "GiB" or "gibibyte" or "gibibytes" => 1L << 30,
            "t" or "T" or "Ti" or "TiB" or "tebibyte" or "tebibytes" => 1L << 40,
            _ => null,
        };
        if (factor is null || !long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long count) || count > long.MaxValue / factor) return false;
        bytes = count * factor.Value;
        return true;
    }

    private static (string Number, string Unit) Split(string text)
    {
        int end = 0;
        while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] == '.')) end++;
        return (text[..end], text[end..].Trim());
    }
}

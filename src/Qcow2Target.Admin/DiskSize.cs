using System.CommandLine.Parsing;
using System.Globalization;

namespace Qcow2Target.Admin;

/// <summary>Sizes as people write them: <c>10G</c>, <c>1.5 TiB</c>, <c>500MB</c>.</summary>
internal static class DiskSize
{
    private const string Prefixes = "kmgtpe";

    /// <summary>Reads the value of an option; a fault becomes the option's error.</summary>
    public static long Parse(ArgumentResult argument)
    {
        string text = argument.Tokens[0].Value;
        if (TryParse(text, out long bytes))
            return bytes;
        argument.AddError($"A size is a number of bytes, perhaps with k, M, G, T or P, not '{text}'");
        return 0;
    }

    /// <summary>False: it is no size, no whole number of bytes, or above 2^63-1.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        string trimmed = text.Trim();
        int digits = trimmed.AsSpan().IndexOfAnyExceptInRange('.', '9');
        string unit = digits < 0 ? "" : trimmed[digits..].TrimStart().ToLowerInvariant();
        if (!decimal.TryParse(digits < 0 ? trimmed : trimmed[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number)
            || FactorOf(unit) is not { } factor || number > long.MaxValue / factor)
            return false;
        decimal exact = number * factor;
        bytes = (long)exact;
        return bytes == exact;
    }

    private static decimal? FactorOf(string unit)
    {
        if (unit is "" or "b")
            return 1;
        int power = Prefixes.IndexOf(unit[0], StringComparison.Ordinal) + 1;
        decimal? step = (power, unit[1..]) switch
        {
            (0, _) => null,
            (_, "" or "ib") => 1024,
            (_, "b") => 1000,
            _ => null,
        };
        if (step is not { } one)
            return null;
        decimal factor = 1;
        for (int i = 0; i < power; i++)
            factor *= one;
        return factor;
    }
}

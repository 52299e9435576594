using System.Text;

namespace Qcow2Target.Control;

/// <summary>
/// What the daemon takes as a target's name: <c>iqn.</c>, <c>eui.</c> or <c>naa.</c> and then ASCII letters, digits, <c>-</c>, <c>.</c>,
/// <c>:</c>, <c>_</c>; at most <see cref="ControlLimits.MaxNameBytes"/> bytes (RFC 7143, 4.2.7). The date part of an iqn is not enforced:
/// scripts in use name targets <c>iqn.nx.2018.com:arms:rpi1</c>.
/// </summary>
public static class IscsiName
{
    /// <summary>Names are compared without case and shown as they were given.</summary>
    public static StringComparer Comparer => StringComparer.OrdinalIgnoreCase;

    private static readonly string[] Prefixes = ["iqn.", "eui.", "naa."];

    /// <summary>Why <paramref name="name"/> cannot name a target, as the end of a sentence ("it ..."); null if it can.</summary>
    public static string? FindTargetNameFault(string name)
    {
        if (!Prefixes.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)))
            return "it does not begin with iqn., eui. or naa.";
        if (name.Length == Prefixes[0].Length)
            return "nothing follows its type";
        if (Encoding.UTF8.GetByteCount(name) > ControlLimits.MaxNameBytes)
            return $"it is longer than {ControlLimits.MaxNameBytes} bytes";
        int at = name.AsSpan().IndexOfAnyExcept(AllowedCharacters);
        return at < 0 ? null : $"it has a character at position {at} that is no ASCII letter, digit, '-', '.', ':' or '_'";
    }

    private static readonly System.Buffers.SearchValues<char> AllowedCharacters =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:_");
}

using System.Globalization;

namespace Qcow2Target.EndToEnd.Tests.Initiator;

/// <summary>What a login has agreed, and where the sequence numbers of the full feature phase begin.</summary>
internal sealed record LoginOutcome(
    IReadOnlyDictionary<string, string> Keys, ulong Isid, ushort Tsih, uint NextStatusSequence, uint NextCommandSequence, uint MaximumCommandSequence)
{
    /// <summary>The value of a key that the target answered or declared, else <paramref name="otherwise"/>.</summary>
    public int Number(string key, int otherwise) =>
        Keys.TryGetValue(key, out string? value) ? int.Parse(value, CultureInfo.InvariantCulture) : otherwise;

    public bool Yes(string key, bool otherwise) => Keys.TryGetValue(key, out string? value) ? value == "Yes" : otherwise;
}

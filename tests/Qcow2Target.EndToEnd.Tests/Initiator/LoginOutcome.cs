using System.Globalization;

namespace Qcow2Target.EndToEnd.Tests.Initiator;

/// <summary>What a login has agreed, and where the sequence numbers of the full feature phase begin.</summary>
internal sealed record LoginOutcome(
    IReadOnlyDictionary<string, string> Keys, ulong Isid, ushort Tsih, uint NextStatusSequence, uint NextCommandSequence, uint MaximumCommandSequence)
{
    /// <summary>The number that the target answered or declared; <paramref name="otherwise"/> where it said nothing, or Irrelevant.</summary>
    public int Number(string key, int otherwise) =>
        Keys.TryGetValue(key, out string? value) && int.TryParse(value, CultureInfo.InvariantCulture, out int number) ? number : otherwise;

    public bool Yes(string key, bool otherwise) => Keys.TryGetValue(key, out string? value) ? value == "Yes" : otherwise;
}

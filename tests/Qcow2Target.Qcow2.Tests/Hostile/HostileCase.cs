namespace Qcow2Target.Qcow2.Tests.Hostile;

/// <summary>One named image of the corpus: a valid one, what was done to it, and how it must end.</summary>
/// <param name="Words">Words of the reason, where it is refused for writing or altogether.</param>
internal sealed record HostileCase(string Name, string Seed, Ending Ending, Func<BentImage, BentImage> Bend, string Words)
{
    public static HostileCase Refused(string name, string seed, string words, Func<BentImage, BentImage> bend) => new(name, seed, Ending.Refused, bend, words);

    public static HostileCase ReadOnly(string name, string seed, string words, Func<BentImage, BentImage> bend) => new(name, seed, Ending.ReadOnly, bend, words);

    public static HostileCase Writable(string name, string seed, Func<BentImage, BentImage> bend) => new(name, seed, Ending.Writable, bend, "");
}

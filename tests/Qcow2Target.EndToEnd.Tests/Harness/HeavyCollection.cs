namespace Qcow2Target.EndToEnd.Tests.Harness;

/// <summary>Tests that load the machine for many seconds, or that measure: they run alone, one after the other.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class HeavyCollection
{
    public const string Name = "Heavy";
}

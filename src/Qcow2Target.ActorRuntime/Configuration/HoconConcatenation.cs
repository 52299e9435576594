namespace Qcow2Target.ActorRuntime;

/// <summary>Text and substitutions side by side.</summary>
internal sealed record HoconConcatenation(IReadOnlyList<object> Pieces);

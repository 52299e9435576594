namespace Qcow2Target.Server.Options;

/// <summary>What the command line says, as text; null or empty where it says nothing.</summary>
internal sealed record CommandLineValues(
    string? Config,
    IReadOnlyList<string> DisksRoots,
    IReadOnlyList<string> BackingRoots,
    string? StateDir,
    string? ControlSocket,
    IReadOnlyList<string> Portals,
    string? LogLevel,
    bool Demo,
    string? Share);

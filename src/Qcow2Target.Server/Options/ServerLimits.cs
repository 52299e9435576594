namespace Qcow2Target.Server.Options;

/// <summary>Limits of the daemon's settings. Ranges of single settings stand beside their reading in <see cref="OptionsBuilder"/>.</summary>
public static class ServerLimits
{
    /// <summary>Longest configuration file in bytes.</summary>
    public const int MaxConfigFileBytes = 1024 * 1024;

    /// <summary>Deepest nesting of a configuration file.</summary>
    public const int MaxConfigDepth = 64;

    /// <summary>
    /// Longest path of the control socket in bytes: a socket's path holds 107 (unix(7)), and the socket is made beside its place as
    /// <c>PATH.new</c> and then renamed.
    /// </summary>
    public const int MaxSocketPathBytes = 103;
}

using Qcow2Target.Actors.Portals;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Iscsi.Chap;
using Qcow2Target.Qcow2.Image;
using Serilog.Events;

namespace Qcow2Target.Server.Options;

/// <summary>
/// What the daemon was told: command line over file over defaults, checked. To add a setting: a property here, a key in
/// <see cref="OptionKeys"/>, its default and comment in config/akka.hocon, its reading and range in <see cref="OptionsBuilder"/>; an option of the
/// command line, where it needs one, in <see cref="ServerCommandLine"/>.
/// </summary>
public sealed record ServerOptions
{
    /// <summary>Tag of the one portal group.</summary>
    public const ushort PortalGroupTag = 1;

    /// <summary>Directories of disks that may be attached, absolute; at least one. Relative disk paths belong to the first.</summary>
    public required IReadOnlyList<string> DisksRoots { get; init; }

    /// <summary>Directories of disks that may be backing files only, absolute.</summary>
    public required IReadOnlyList<string> BackingRoots { get; init; }

    /// <summary>Directory of the state file, absolute. Need not exist.</summary>
    public required string StateDir { get; init; }

    /// <summary>Path of the control socket, absolute, at most <see cref="ServerLimits.MaxSocketPathBytes"/>.</summary>
    public required string ControlSocket { get; init; }

    /// <summary>Where to listen; at least one.</summary>
    public required IReadOnlyList<PortalOptions> Portals { get; init; }

    /// <summary>What the daemon logs.</summary>
    public required LogEventLevel LogLevel { get; init; }

    /// <summary>What the actor system hands on to the log: <see cref="LogLevel"/> in its words.</summary>
    public required LogLevel ActorLogLevel { get; init; }

    /// <summary>Longest time for a shutdown in good order.</summary>
    public required TimeSpan ShutdownTimeout { get; init; }

    /// <summary>How long a command of the control socket waits without progress.</summary>
    public required TimeSpan CommandDeadline { get; init; }

    /// <summary>How long the portals stay shut at start for disks that do not open.</summary>
    public required TimeSpan RestorePatience { get; init; }

    /// <summary>Longest time for a login.</summary>
    public required TimeSpan LoginTimeout { get; init; }

    /// <summary>The weakest CHAP algorithm that is taken.</summary>
    public required ChapAlgorithm ChapFloor { get; init; }

    /// <summary>How long a session is silent before it is pinged.</summary>
    public required TimeSpan NopInterval { get; init; }

    /// <summary>TCP_USER_TIMEOUT of connections.</summary>
    public required TimeSpan TcpUserTimeout { get; init; }

    /// <summary>Bytes that the cached mapping tables of all images may hold.</summary>
    public required long CacheBytes { get; init; }

    /// <summary>Bytes that the transfers of all sessions together may hold before each is kept to its share.</summary>
    public required long TransferBytes { get; init; }

    /// <summary>Whether a connection's thread looks again before it sleeps.</summary>
    public required IdleSpin Spin { get; init; }

    /// <summary>Whether disks may keep their data in an external data file.</summary>
    public required DataFileUse DataFiles { get; init; }

    /// <summary>Physical block size that disks report, in bytes: 512 or 4096.</summary>
    public required int PhysicalBlockBytes { get; init; }

    /// <summary>Whether a demonstration disk is made, where there is none, and shared (<c>--demo</c>). Never together with <see cref="SharePath"/>.</summary>
    public required bool Demo { get; init; }

    /// <summary>An image to share at once (<c>--share</c>), absolute, inside one of <see cref="DisksRoots"/>; null for none.</summary>
    public required string? SharePath { get; init; }

    /// <summary>The configuration for the actor system: the file's, with the limits of the shutdown phases.</summary>
    public required Config AkkaConfig { get; init; }

    /// <summary>The configuration file that was read, or null where the built-in defaults serve.</summary>
    public required string? ConfigFile { get; init; }
}

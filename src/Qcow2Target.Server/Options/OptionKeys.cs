namespace Qcow2Target.Server.Options;

/// <summary>The keys of the block <c>qcow2target { }</c> in the configuration. Every one is in config/akka.hocon, and a test sees to that.</summary>
internal static class OptionKeys
{
    public const string Block = "qcow2target";

    public const string DisksRoots = Block + ".disks-roots";
    public const string BackingRoots = Block + ".backing-roots";
    public const string StateDir = Block + ".state-dir";
    public const string ControlSocket = Block + ".control-socket";
    public const string Portals = Block + ".portals";
    public const string LogLevel = Block + ".log-level";
    public const string ShutdownTimeout = Block + ".shutdown-timeout";
    public const string CommandDeadline = Block + ".command-deadline";
    public const string RestorePatience = Block + ".restore-patience";
    public const string LoginTimeout = Block + ".login-timeout";
    public const string ChapAlgorithm = Block + ".chap-algorithm";
    public const string NopInterval = Block + ".nop-interval";
    public const string TcpUserTimeout = Block + ".tcp-user-timeout";
    public const string CacheSize = Block + ".cache-size";
    public const string TransferMemory = Block + ".transfer-memory";
    public const string Spin = Block + ".spin";
    public const string AllowDataFiles = Block + ".allow-data-files";
    public const string PhysicalBlockSize = Block + ".physical-block-size";

    public static IReadOnlyList<string> All { get; } =
    [
        DisksRoots, BackingRoots, StateDir, ControlSocket, Portals, LogLevel, ShutdownTimeout, CommandDeadline, RestorePatience, LoginTimeout,
        ChapAlgorithm, NopInterval, TcpUserTimeout, CacheSize, TransferMemory, Spin, AllowDataFiles, PhysicalBlockSize,
    ];
}

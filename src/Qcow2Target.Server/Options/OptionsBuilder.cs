using System.Net;
using System.Text;
using Qcow2Target.Actors.Portals;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Iscsi;
using Qcow2Target.Iscsi.Chap;
using Qcow2Target.Qcow2.Image;
using Serilog.Events;

namespace Qcow2Target.Server.Options;

/// <summary>Puts the command line over the configuration and checks the result. All that is wrong is told at once.</summary>
internal sealed class OptionsBuilder
{
    private readonly CommandLineValues _line;
    private readonly StartEnvironment _environment;
    private readonly ConfigSource _source;
    private readonly OptionReader _reader;

    private OptionsBuilder(CommandLineValues line, StartEnvironment environment)
    {
        _line = line;
        _environment = environment;
        _source = ConfigSource.Load(line.Config, environment);
        _reader = new OptionReader(_source);
    }

    /// <exception cref="OptionsException">The configuration cannot be read at all.</exception>
    public static CommandLineOutcome Build(CommandLineValues line, StartEnvironment environment)
    {
        var builder = new OptionsBuilder(line, environment);
        ServerOptions options = builder.Build();
        return builder._reader.Faults.Count == 0 ? new OptionsAccepted(options) : new OptionsRefused(builder._reader.Faults);
    }

    private static TimeSpan Seconds(int count) => TimeSpan.FromSeconds(count);

    private ServerOptions Build()
    {
        LogEventLevel logLevel = LogLevelOf(Choose("--log-level", _line.LogLevel, OptionKeys.LogLevel));
        string? share = ShareOf();
        IReadOnlyList<string> backingRoots = BackingRootsOf();
        TimeSpan shutdownTimeout = _reader.Time(OptionKeys.ShutdownTimeout, Seconds(5), Seconds(3600));
        return new ServerOptions
        {
            DisksRoots = DisksRootsOf(backingRoots, share),
            BackingRoots = backingRoots,
            StateDir = StateDirOf(Choose("--state-dir", _line.StateDir, OptionKeys.StateDir)),
            ControlSocket = ControlSocketOf(Choose("--control-socket", _line.ControlSocket, OptionKeys.ControlSocket)),
            Portals = PortalsOf(),
            LogLevel = logLevel,
            ActorLogLevel = LogLevelNames.ForActors(logLevel),
            ShutdownTimeout = shutdownTimeout,
            CommandDeadline = _reader.Time(OptionKeys.CommandDeadline, Seconds(1), Seconds(3600)),
            RestorePatience = _reader.Time(OptionKeys.RestorePatience, Seconds(0), Seconds(600)),
            LoginTimeout = _reader.Time(OptionKeys.LoginTimeout, Seconds(1), Seconds(300)),
            ChapFloor = ChapFloorOf(_reader.Text(OptionKeys.ChapAlgorithm)),
            NopInterval = _reader.Time(OptionKeys.NopInterval, Seconds(1), Seconds(3600)),
            TcpUserTimeout = _reader.Time(OptionKeys.TcpUserTimeout, Seconds(1), Seconds(3600)),
            CacheBytes = _reader.Size(OptionKeys.CacheSize, 1L << 20, 1L << 40),
            TransferBytes = _reader.Size(OptionKeys.TransferMemory, IscsiLimits.MinTransferBytes, 1L << 40),
            Spin = _reader.Switch(OptionKeys.Spin) ? IdleSpin.On : IdleSpin.Off,
            DataFiles = _reader.Switch(OptionKeys.AllowDataFiles) ? DataFileUse.Allowed : DataFileUse.Refused,
            PhysicalBlockBytes = _reader.OneOf(OptionKeys.PhysicalBlockSize, 512, 4096),
            Demo = _line.Demo,
            SharePath = share,
            AkkaConfig = ShutdownBudget.ConfigOf(shutdownTimeout).WithFallback(_source.Values),
            ConfigFile = _source.File,
        };
    }

    private Given<string> Choose(string option, string? given, string key) =>
        given is not null ? new Given<string>(given, option) : _reader.Text(key);

    private IReadOnlyList<Given<string>> Choose(string option, IReadOnlyList<string> given, string key) =>
        given.Count > 0 ? [.. given.Select(value => new Given<string>(value, option))] : _reader.List(key);

    private ChapAlgorithm ChapFloorOf(Given<string> given)
    {
        ChapAlgorithm? floor = given.Value switch
        {
            "md5" => ChapAlgorithm.Md5,
            "sha1" => ChapAlgorithm.Sha1,
            "sha256" => ChapAlgorithm.Sha256,
            "sha3-256" => ChapAlgorithm.Sha3,
            _ => null,
        };
        if (floor is null)
            _reader.Refuse(given, "it must be md5, sha1, sha256 or sha3-256");
        return floor ?? ChapAlgorithm.Md5;
    }

    /// <summary>A default directory is made when it is needed; any other that is missing is more likely misspelt.</summary>
    private List<string> DisksRootsOf(IReadOnlyList<string> backingRoots, string? share)
    {
        IReadOnlyList<Given<string>> given = Choose("--disks-root", _line.DisksRoots, OptionKeys.DisksRoots);
        if (given.Count == 0)
            _reader.RefuseEmpty(OptionKeys.DisksRoots, "must name at least one directory");
        IList<string> defaults = ConfigSource.BuiltIn.GetStringList(OptionKeys.DisksRoots);
        var roots = new List<string>();
        foreach (Given<string> root in given)
        {
            bool isDefault = _line.DisksRoots.Count == 0 && defaults.Contains(root.Value);
            string? path = isDefault ? Absolute(root) : ExistingDirectory(root);
            if (path is not null && backingRoots.Contains(path))
                _reader.Refuse(root, "is a backing root too; its disks either may be attached or may not");
            else if (path is not null && !roots.Contains(path))
                roots.Add(path);
        }

        // Last, so that relative paths go on belonging to the first root.
        if (share is not null && !roots.Any(root => IsInside(share, root)))
            roots.Add(Path.GetDirectoryName(share)!);
        return roots;
    }

    private IReadOnlyList<string> BackingRootsOf()
    {
        IReadOnlyList<Given<string>> given = Choose("--backing-root", _line.BackingRoots, OptionKeys.BackingRoots);
        return [.. given.Select(ExistingDirectory).OfType<string>().Distinct(StringComparer.Ordinal)];
    }

    private string StateDirOf(Given<string> given)
    {
        string? path = Absolute(given);
        if (File.Exists(path))
            _reader.Refuse(given, "is no directory");
        return path ?? "";
    }

    private string ControlSocketOf(Given<string> given)
    {
        string? path = Absolute(given);
        if (path is null)
            return "";
        if (Encoding.UTF8.GetByteCount(path) > ServerLimits.MaxSocketPathBytes)
            _reader.Refuse(given, $"is longer than {ServerLimits.MaxSocketPathBytes} bytes, which a socket's path cannot be");
        else if (Directory.Exists(path))
            _reader.Refuse(given, "is a directory");
        else if (!Directory.Exists(Path.GetDirectoryName(path)))
            _reader.Refuse(given, "its directory does not exist");
        return path;
    }

    private List<PortalOptions> PortalsOf()
    {
        IReadOnlyList<Given<string>> given = Choose("--portal", _line.Portals, OptionKeys.Portals);
        if (given.Count == 0)
            _reader.RefuseEmpty(OptionKeys.Portals, "must name at least one address");
        IList<string> defaults = ConfigSource.BuiltIn.GetStringList(OptionKeys.Portals);
        var portals = new List<PortalOptions>();
        foreach (Given<string> portal in given)
        {
            IPEndPoint? endPoint = PortalAddress.TryParse(portal.Value);
            bool isDefault = _line.Portals.Count == 0 && defaults.Contains(portal.Value);
            if (endPoint is null)
                _reader.Refuse(portal, PortalAddress.Expected);
            else if (endPoint.Port != 0 && portals.Any(other => other.EndPoint.Equals(endPoint)))
                _reader.Refuse(portal, "is given twice");
            else
                portals.Add(new PortalOptions(endPoint, isDefault ? PortalOrigin.Default : PortalOrigin.Configured));
        }

        return portals;
    }

    private LogEventLevel LogLevelOf(Given<string> given)
    {
        if (LogLevelNames.Find(given.Value) is { } level)
            return level;
        _reader.Refuse(given, $"must be one of {string.Join(", ", LogLevelNames.All)}");
        return LogEventLevel.Information;
    }

    private string? ShareOf()
    {
        if (_line.Share is null)
            return null;
        var given = new Given<string>(_line.Share, "--share");
        if (_line.Demo)
            _reader.Refuse(given, "cannot be given together with --demo");
        string? path = Absolute(given);
        if (path is null || File.Exists(path))
            return path;
        _reader.Refuse(given, Directory.Exists(path) ? "is a directory" : "there is no such file");
        return null;
    }

    private string? ExistingDirectory(Given<string> given)
    {
        string? path = Absolute(given);
        if (path is null || Directory.Exists(path))
            return path;
        _reader.Refuse(given, File.Exists(path) ? "is no directory" : "there is no such directory");
        return null;
    }

    /// <summary>Null, with the fault noted, where the text is no path.</summary>
    private string? Absolute(Given<string> given)
    {
        if (given.Value.Length > 0 && !given.Value.Contains('\0'))
            return Path.TrimEndingDirectorySeparator(Path.GetFullPath(given.Value, _environment.WorkingDirectory));
        _reader.Refuse(given, given.Value.Length == 0 ? "must not be empty" : "must not hold a zero character");
        return null;
    }

    private static bool IsInside(string path, string directory) =>
        path.StartsWith(directory.EndsWith('/') ? directory : directory + "/", StringComparison.Ordinal);
}

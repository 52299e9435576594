using System.Text;

namespace Qcow2Target.Server.Options;

/// <summary>The configuration: a file over the copy of config/akka.hocon that is built into the program, or that copy alone.</summary>
internal sealed class ConfigSource
{
    private const string ResourceName = "akka.hocon";

    private readonly HoconOutline? _outline;

    private ConfigSource(string? file, HoconOutline? outline, Config values) => (File, _outline, Values) = (file, outline, values);

    /// <summary>Absolute path of the file, or null where the built-in copy serves alone.</summary>
    public string? File { get; }

    /// <summary>The file's settings, and the built-in ones where it says nothing.</summary>
    public Config Values { get; }

    /// <summary>The built-in settings.</summary>
    public static Config BuiltIn { get; } = ConfigurationFactory.ParseString(BuiltInText());

    /// <param name="given">The file of <c>--config</c>; null: the default file, if it is there.</param>
    /// <param name="environment">Where to look.</param>
    /// <exception cref="OptionsException">It cannot be read, is malformed, or has a key that no one knows.</exception>
    public static ConfigSource Load(string? given, StartEnvironment environment)
    {
        if (given is null && !System.IO.File.Exists(environment.DefaultConfigFile))
            return new ConfigSource(null, null, BuiltIn);
        string file = given is null ? environment.DefaultConfigFile : Path.GetFullPath(given, environment.WorkingDirectory);
        string text = ReadText(file, given is null ? file : $"--config {given}");
        try
        {
            HoconOutline outline = HoconOutline.Read(text);
            RefuseUnknownKeys(outline);
            return new ConfigSource(file, outline, ConfigurationFactory.ParseString(text).WithFallback(BuiltIn));
        }
        catch (Exception malformed) when (malformed is OptionsException or ConfigurationException or FormatException)
        {
            throw new OptionsException($"{file}: {malformed.Message}", malformed);
        }
    }

    /// <summary>Where <paramref name="key"/> stands, for the beginning of an error: file and line.</summary>
    public string Locate(string key) => _outline?.Find(key) is { } setting ? $"{File}: line {setting.Line}: {key}" : $"built-in configuration: {key}";

    /// <summary>The value of <paramref name="key"/> as written.</summary>
    public string Written(string key) => _outline?.Find(key)?.Value ?? "";

    private static void RefuseUnknownKeys(HoconOutline outline)
    {
        foreach (HoconSetting setting in outline.Settings)
        {
            bool ours = setting.Path == OptionKeys.Block || setting.Path.StartsWith(OptionKeys.Block + ".", StringComparison.Ordinal);
            if (ours && !OptionKeys.All.Contains(setting.Path))
                throw new OptionsException($"line {setting.Line}: unknown key {setting.Path} = {setting.Value}{Suggest(setting.Path)}");
        }
    }

    /// <summary>Names the known key that shares the longest beginning, if that is more than the block's name.</summary>
    private static string Suggest(string path)
    {
        string best = OptionKeys.All.MaxBy(key => key.AsSpan().CommonPrefixLength(path))!;
        return best.AsSpan().CommonPrefixLength(path) > OptionKeys.Block.Length + 2 ? $"; did you mean {best}?" : "";
    }

    private static string ReadText(string file, string named)
    {
        try
        {
            using FileStream stream = System.IO.File.OpenRead(file);
            var bytes = new byte[ServerLimits.MaxConfigFileBytes + 1];
            int length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (length > ServerLimits.MaxConfigFileBytes)
                throw new OptionsException($"{named}: the configuration file is larger than {ServerLimits.MaxConfigFileBytes} bytes");
            return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(bytes, 0, length);
        }
        catch (DecoderFallbackException fault)
        {
            throw new OptionsException($"{named}: the configuration file is not UTF-8", fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new OptionsException($"{named}: the configuration file cannot be read: {fault.Message}", fault);
        }
    }

    private static string BuiltInText()
    {
        using Stream stream = typeof(ConfigSource).Assembly.GetManifestResourceStream(ResourceName)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}

using System.Globalization;

namespace Qcow2Target.ActorRuntime;

/// <summary>
/// Settings by path, <c>akka.actor.ask-timeout</c>. Immutable. A missing key gives the default; a value of the wrong kind
/// <see cref="FormatException"/>.
/// </summary>
public class Config
{
    public static readonly Config Empty = new(new HoconObject());

    private readonly HoconObject _root;

    internal Config(HoconObject root) => _root = root;

    public bool IsEmpty => _root.IsEmpty;

    /// <exception cref="ConfigurationException">The text is malformed.</exception>
    public static implicit operator Config(string hocon) => ConfigurationFactory.ParseString(hocon);

    public bool HasPath(string path) => Find(path) is not null;

    public string GetString(string path, string @default = null) => Text(path) ?? @default;

    public int GetInt(string path, int @default = 0) =>
        Text(path) is { } text ? int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out int value) ? value : throw Wrong(path, text, "an int") : @default;

    public long GetLong(string path, long @default = 0) =>
        Text(path) is { } text ? long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out long value) ? value : throw Wrong(path, text, "a long") : @default;

    public double GetDouble(string path, double @default = 0) =>
        Text(path) is { } text ? double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : throw Wrong(path, text, "a number") : @default;

    /// <summary><c>on</c>, <c>off</c>, <c>true</c>, <c>false</c>.</summary>
    public bool GetBoolean(string path, bool @default = false) => Text(path) switch
    {
        null => @default,
        "on" or "true" => true,
        "off" or "false" => false,
        { } text => throw Wrong(path, text, "on, off, true or false"),
    };

    /// <summary>Empty when missing.</summary>
    public IList<string> GetStringList(string path) => Find(path) switch
    {
        null => [],
        List<object> items => [.. items.Select(item => item as string ?? throw new FormatException($"{path}: a list of texts is wanted."))],
        _ => throw new FormatException($"{path}: a list is wanted."),
    };

    /// <summary><c>10 s</c>, <c>1.5m</c>, <c>100</c> (ms); <c>infinite</c> is -1 ms.</summary>
    public TimeSpan GetTimeSpan(string path, TimeSpan? @default = null, bool allowInfinite = true)
    {
        if (Text(path) is not { } text) return @default ?? TimeSpan.Zero;
        return HoconUnits.TryParseTime(text, allowInfinite, out TimeSpan time) ? time : throw Wrong(path, text, "a time");
    }

    /// <summary>Null when missing.</summary>
    public long? GetByteSize(string path) => GetByteSize(path, null);

    /// <summary>In bytes: <c>64 KiB</c>, <c>1m</c> (powers of 1024), <c>10 MB</c> (powers of 1000).</summary>
    public long? GetByteSize(string path, long? def)
    {
        if (Text(path) is not { } text) return def;
        return HoconUnits.TryParseSize(text, out long bytes) ? bytes : throw Wrong(path, text, "a size in bytes");
    }

    /// <summary>Null when missing.</summary>
    public Config GetConfig(string path) => Find(path) switch
    {
        null => null,
        HoconObject fields => new Config(fields),
        _ => throw new FormatException($"{path}: an object is wanted."),
    };

    /// <summary>These settings, and the other's where these say nothing. A list replaces the other's list.</summary>
    public Config WithFallback(Config fallback) => fallback is null || fallback.IsEmpty ? this : new Config(HoconObject.Merge(_root, fallback._root));

    private static FormatException Wrong(string path, string text, string wanted) => new($"{path}: [{text}] is not {wanted}.");

    private object Find(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return _root.Find(HoconObject.SplitPath(path));
    }

    private string Text(string path) => Find(path) switch
    {
        null => null,
        string text => text,
        _ => throw new FormatException($"{path}: a single value is wanted."),
    };
}

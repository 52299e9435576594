namespace Qcow2Target.Server.Options;

/// <summary>
/// Reads typed settings. A fault is noted, not thrown, so that one start tells all of them; what is returned instead is then only a
/// stand-in, and <see cref="Faults"/> says that nothing may be made of it.
/// </summary>
internal sealed class OptionReader(ConfigSource source)
{
    private readonly List<string> _faults = [];
    private readonly HashSet<string> _unreadable = [];

    /// <summary>What was wrong so far, one line each.</summary>
    public IReadOnlyList<string> Faults => _faults;

    public Given<string> Text(string key) => Given(key, Read(key, "a string", (config, path) => config.GetString(path), ""));

    public IReadOnlyList<Given<string>> List(string key)
    {
        IList<string> items = Read(key, "a list of strings", (config, path) => config.GetStringList(path), []);
        return [.. items.Select(item => Given(key, item))];
    }

    public bool Switch(string key) => Read(key, "on or off", (config, path) => config.GetBoolean(path), false);

    public int OneOf(string key, params IReadOnlyList<int> choices)
    {
        string expected = string.Join(" or ", choices);
        int value = Read(key, expected, (config, path) => config.GetInt(path), choices[0]);
        if (!choices.Contains(value))
            Refuse(key, expected);
        return value;
    }

    /// <summary>A time from <paramref name="least"/> to <paramref name="most"/>.</summary>
    public TimeSpan Time(string key, TimeSpan least, TimeSpan most)
    {
        string expected = $"a time from {Show(least)} to {Show(most)}";
        TimeSpan value = Read(key, expected, (config, path) => config.GetTimeSpan(path, null, allowInfinite: false), least);
        if (value < least || value > most)
            Refuse(key, expected);
        return value;
    }

    /// <summary>A size in bytes, from <paramref name="least"/> to <paramref name="most"/>.</summary>
    public long Size(string key, long least, long most)
    {
        string expected = $"a size from {least >> 20} MiB to {most >> 20} MiB";
        long value = Read(key, expected, (config, path) => config.GetByteSize(path) ?? 0, least);
        if (value < least || value > most)
            Refuse(key, expected);
        return value;
    }

    /// <summary>Notes what is wrong with a value, wherever it was given.</summary>
    public void Refuse(Given<string> given, string fault)
    {
        // What stands in for a value that could not be read is nobody's fault.
        if (!_unreadable.Contains(given.Where))
            _faults.Add($"{given.Where} {given.Value}: {fault}");
    }

    /// <summary>Notes that a list of the configuration is empty.</summary>
    public void RefuseEmpty(string key, string fault) => Refuse(Given(key, "[]"), fault);

    private void Refuse(string key, string expected) => _faults.Add($"{source.Locate(key)} = {source.Written(key)}: must be {expected}");

    private T Read<T>(string key, string expected, Func<Config, string, T> read, T standIn)
        where T : notnull
    {
        try
        {
            if (source.Values.HasPath(key) && read(source.Values, key) is { } value)
                return value;
        }
        catch (Exception fault) when (fault is FormatException or NotSupportedException or OverflowException or ArgumentException or ConfigurationException)
        {
            // Which of these it is depends on the runtime's parser; all mean that the text is no such value.
        }

        Refuse(key, expected);
        _unreadable.Add(Given(key, "").Where);
        return standIn;
    }

    private Given<string> Given(string key, string value) => new(value, $"{source.Locate(key)} =");

    private static string Show(TimeSpan time) => time.TotalSeconds >= 3600 ? $"{time.TotalHours} h" : $"{time.TotalSeconds} s";
}

namespace Qcow2Target.ActorRuntime;

/// <summary>An object of HOCON: its values are <see cref="HoconObject"/>, a list of values, or text.</summary>
internal sealed class HoconObject
{
    private readonly Dictionary<string, object> _fields = new(StringComparer.Ordinal);

    public bool IsEmpty => _fields.Count == 0;

    public IEnumerable<KeyValuePair<string, object>> Fields => _fields;

    /// <summary>Sets the value at a path. Objects merge, everything else replaces.</summary>
    public void Set(IReadOnlyList<string> path, object value)
    {
        HoconObject at = this;
        for (int i = 0; i < path.Count - 1; i++)
        {
            if (at._fields.GetValueOrDefault(path[i]) is not HoconObject next) at._fields[path[i]] = next = new HoconObject();
            at = next;
        }

        string last = path[^1];
        at._fields[last] = value is HoconObject own && at._fields.GetValueOrDefault(last) is HoconObject before ? Merge(own, before) : value;
    }

    public object Find(IReadOnlyList<string> path)
    {
        object at = this;
        foreach (string name in path)
        {
            if (at is not HoconObject here) return null;
            at = here._fields.GetValueOrDefault(name);
        }

        return at;
    }

    /// <summary>Both objects' fields; where both have one, the first's, objects again merged.</summary>
    public static HoconObject Merge(HoconObject first, HoconObject second)
    {
        var merged = new HoconObject();
        foreach ((string name, object value) in second._fields) merged._fields[name] = value;
        foreach ((string name, object value) in first._fields)
            merged._fields[name] = value is HoconObject own && second._fields.GetValueOrDefault(name) is HoconObject other ? Merge(own, other) : value;
        return merged;
    }

    public void Replace(Func<object, object> change)
    {
        foreach (string name in _fields.Keys.ToArray()) _fields[name] = change(_fields[name]);
    }

    /// <summary>Splits <c>a.b."c.d"</c>.</summary>
    /// <exception cref="ConfigurationException">A part is empty or a quote is not closed.</exception>
    public static List<string> SplitPath(string path)
    {
        var parts = new List<string>();
        int at = 0;
        while (true)
        {
            int end;
            if (at < path.Length && path[at] == '"')
            {
                int close = path.IndexOf('"', at + 1);
                if (close < 0) throw new ConfigurationException($"Unclosed quote in path [{path}].");
                parts.Add(path[(at + 1)..close]);
                end = close + 1;
                if (end < path.Length && path[end] != '.') throw new ConfigurationException($"Malformed path [{path}].");
            }
            else
            {
                end = path.IndexOf('.', at);
                if (end < 0) end = path.Length;
                string part = path[at..end].Trim();
                if (part.Length == 0) throw new ConfigurationException($"Empty part in path [{path}].");
                parts.Add(part);
            }

            if (end >= path.Length) return parts;
            at = end + 1;
        }
    }
}

namespace Qcow2Target.ActorRuntime;

/// <summary>Puts the values in place of the substitutions of a text.</summary>
internal sealed class HoconResolver
{
    private readonly HoconObject _root;
    private readonly HashSet<string> _open = [];

    public HoconResolver(HoconObject root) => _root = root;

    /// <exception cref="ConfigurationException">A path that is not there, refers to itself, or is no text where text is wanted.</exception>
    public object Resolve() => Resolve(_root);

    private object Resolve(object value)
    {
        switch (value)
        {
            case HoconObject fields:
                fields.Replace(Resolve);
                return fields;
            case List<object> items:
                return items.ConvertAll(Resolve);
            case HoconSubstitution substitution:
                return Find(substitution);
            case HoconConcatenation joined:
                return string.Concat(joined.Pieces.Select(piece => piece as string ?? Text(piece)));
            default:
                return value;
        }
    }

    private string Text(object piece) => Resolve(piece) as string
        ?? throw new ConfigurationException($"Configuration, line {((HoconSubstitution)piece).Line}: only text can be joined with text.");

    private object Find(HoconSubstitution substitution)
    {
        if (!_open.Add(substitution.Path)) throw new ConfigurationException($"Configuration, line {substitution.Line}: ${{{substitution.Path}}} refers to itself.");
        object found = _root.Find(HoconObject.SplitPath(substitution.Path))
            ?? throw new ConfigurationException($"Configuration, line {substitution.Line}: ${{{substitution.Path}}} is not in this text.");
        object resolved = Resolve(found);
        _open.Remove(substitution.Path);
        return resolved;
    }
}

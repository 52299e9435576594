namespace Qcow2Target.Server.Options;

/// <summary>
/// Which settings a HOCON text makes, and where. The configuration's own interface gives values only to those who know the key; this finds the
/// misspelt ones, and the line to name in an error. It covers what our files keep to (nested blocks, dotted keys, lists, comments, quoted
/// strings) and refuses by name what Akka's parser silently ignores: <c>include</c>, <c>+=</c>, <c>${?x}</c>, an unclosed brace.
/// </summary>
internal sealed class HoconOutline
{
    private readonly string _text;
    private readonly List<HoconSetting> _settings = [];
    private int _at;
    private int _line = 1;

    private HoconOutline(string text) => _text = text;

    /// <summary>The settings, in the order of the text. The last one of a path counts.</summary>
    public IReadOnlyList<HoconSetting> Settings => _settings;

    /// <exception cref="OptionsException">The text is malformed; the message says "line N: ..." .</exception>
    public static HoconOutline Read(string text)
    {
        var outline = new HoconOutline(text);
        outline.ReadBlock("", 0);
        return outline;
    }

    public HoconSetting? Find(string path)
    {
        int index = _settings.FindLastIndex(setting => setting.Path == path);
        return index < 0 ? null : _settings[index];
    }

    private void ReadBlock(string prefix, int depth)
    {
        int opened = _line;
        if (depth > ServerLimits.MaxConfigDepth)
            throw Fault($"blocks are nested deeper than {ServerLimits.MaxConfigDepth}");
        while (true)
        {
            SkipSpaceAndComments();
            if (_at == _text.Length)
            {
                if (depth > 0)
                    throw new OptionsException($"line {opened}: the block '{prefix}' is not closed");
                return;
            }

            if (Take('}'))
            {
                if (depth == 0)
                    throw Fault("a closing brace has no opening one");
                return;
            }

            if (!Take(','))
                ReadSetting(prefix, depth);
        }
    }

    private void ReadSetting(string prefix, int depth)
    {
        int line = _line;
        string key = ReadKey();
        string path = prefix.Length == 0 ? key : $"{prefix}.{key}";
        if (key.StartsWith("include", StringComparison.Ordinal) && key.Length > 7 && key[7] is ' ' or '"')
            throw Fault("include is not supported");
        if (_at + 1 < _text.Length && _text[_at] == '+' && _text[_at + 1] == '=')
            throw Fault($"{path}: += is not supported");
        bool assigned = Take('=') || Take(':');
        SkipBlanks();
        if (Take('{'))
        {
            ReadBlock(path, depth + 1);
            return;
        }

        if (!assigned)
            throw Fault($"{path} has no value");
        int start = _at;
        SkipValue(path);
        string value = string.Join(' ', _text[start.._at].Split(['\n', '\r', ' ', '\t'], StringSplitOptions.RemoveEmptyEntries));
        if (value.Length == 0)
            throw Fault($"{path} has no value");
        _settings.Add(new HoconSetting(path, line, value));
    }

    /// <summary>A path as written, with quotes taken off: those in our files are never needed.</summary>
    private string ReadKey()
    {
        int start = _at;
        while (_at < _text.Length && _text[_at] is not ('=' or ':' or '{' or '}' or '[' or ']' or ',' or '+' or '#' or '\n'))
        {
            if (_text[_at] == '"')
                SkipQuoted();
            else
                _at++;
        }

        string key = _text[start.._at].Trim();
        return key.Length == 0 ? throw Fault($"'{(_at < _text.Length ? _text[_at] : ' ')}' where a key should be") : key.Replace("\"", "", StringComparison.Ordinal);
    }

    private void SkipValue(string path)
    {
        int nesting = 0;
        while (_at < _text.Length)
        {
            char c = _text[_at];
            bool comment = c == '#' || StartsWith("//");
            if (nesting == 0 && (comment || c is '\n' or ',' or '}'))
                return;
            if (StartsWith("${"))
                SkipSubstitution(path);
            else if (comment)
                SkipLine();
            else if (c == '"')
                SkipQuoted();
            else if (nesting == 0 && c is ']' or '{')
                throw Fault($"{path}: '{c}' does not belong here");
            else
                SkipInList(c, ref nesting);
        }

        if (nesting > 0)
            throw Fault($"{path}: a bracket is not closed");
    }

    private void SkipInList(char c, ref int nesting)
    {
        nesting += c switch { '[' or '{' => 1, ']' or '}' => -1, _ => 0 };
        Step();
    }

    private void SkipSubstitution(string path)
    {
        if (StartsWith("${?"))
            throw Fault($"{path}: ${{?...}} is not supported");
        while (_at < _text.Length && _text[_at] is not ('}' or '\n'))
            _at++;
        if (!Take('}'))
            throw Fault($"{path}: a substitution is not closed");
    }

    private void SkipQuoted()
    {
        string quote = StartsWith("\"\"\"") ? "\"\"\"" : "\"";
        bool triple = quote.Length == 3;
        for (_at += quote.Length; _at < _text.Length && !StartsWith(quote); Step())
        {
            if (triple)
                continue;
            if (_text[_at] == '\n')
                break;
            if (_text[_at] == '\\' && _at + 1 < _text.Length)
                Step();
        }

        if (!StartsWith(quote))
            throw Fault("a quote is not closed");
        _at += quote.Length;
    }

    private void SkipSpaceAndComments()
    {
        while (_at < _text.Length)
        {
            if (_text[_at] == '#' || StartsWith("//"))
                SkipLine();
            else if (char.IsWhiteSpace(_text[_at]) || _text[_at] == '\uFEFF')
                Step();
            else
                return;
        }
    }

    private void SkipLine()
    {
        while (_at < _text.Length && _text[_at] != '\n')
            _at++;
    }

    private void SkipBlanks()
    {
        while (_at < _text.Length && _text[_at] is ' ' or '\t')
            _at++;
    }

    private void Step()
    {
        if (_text[_at] == '\n')
            _line++;
        _at++;
    }

    private bool Take(char c)
    {
        SkipBlanks();
        if (_at == _text.Length || _text[_at] != c)
            return false;
        _at++;
        return true;
    }

    private bool StartsWith(string what) => _text.AsSpan(_at).StartsWith(what, StringComparison.Ordinal);

    private OptionsException Fault(string what) => new($"line {_line}: {what}");
}

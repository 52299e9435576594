using System.Globalization;
using System.Text;

namespace Qcow2Target.ActorRuntime;

/// <summary>
/// Reads a safe subset of HOCON: <c>a.b = value</c> or <c>:</c>, nested objects (merged, the last value wins), lists, strings plain, quoted and
/// triple-quoted, comments with <c>#</c> and <c>//</c>, and <c>${path}</c> to a path of the same text. What Akka's parser silently ignores or
/// mistakes (<c>${?path}</c>, <c>+=</c>, <c>include</c>, an unclosed brace) is an error here. Nesting is limited.
/// </summary>
internal sealed class HoconParser
{
    private const int MaxDepth = 64;

    private readonly string _text;
    private int _at;
    private int _depth;

    public HoconParser(string text) => _text = text;

    /// <exception cref="ConfigurationException">The text is malformed.</exception>
    public HoconObject Parse()
    {
        SkipBlank();
        HoconObject root;
        if (Peek() == '{')
        {
            root = ParseObject();
            SkipBlank();
            if (_at < _text.Length) throw Error("text after the closing brace");
        }
        else
        {
            root = new HoconObject();
            ParseFields(root, end: '\0');
        }

        return (HoconObject)new HoconResolver(root).Resolve();
    }

    private HoconObject ParseObject()
    {
        Enter();
        _at++;
        var result = new HoconObject();
        ParseFields(result, end: '}');
        _at++;
        _depth--;
        return result;
    }

    private void ParseFields(HoconObject into, char end)
    {
        while (true)
        {
            SkipBlank();
            while (Peek() == ',')
            {
                _at++;
                SkipBlank();
            }

            if (_at >= _text.Length)
            {
                if (end == '\0') return;
                throw Error("a brace is not closed");
            }

            if (Peek() == '}')
            {
                if (end == '}') return;
                throw Error("a closing brace too many");
            }

            ParseField(into);
        }
    }

    private void ParseField(HoconObject into)
    {
        List<string> path = ParseKey();
        SkipSpaces();
        switch (Peek())
        {
            case '{':
                into.Set(path, ParseObject());
                break;
            case '=' or ':':
                _at++;
                into.Set(path, ParseValue());
                break;
            case '+':
                throw Error("+= is not supported");
            default:
                throw Error($"expected =, : or {{ after [{string.Join('.', path)}]");
        }
    }

    private List<string> ParseKey()
    {
        int start = _at;
        while (_at < _text.Length && !"=:{}[],+#\n".Contains(_text[_at], StringComparison.Ordinal))
        {
            if (_text[_at] == '"')
            {
                int close = _text.IndexOf('"', _at + 1);
                if (close < 0) throw Error("a quote is not closed");
                _at = close;
            }

            _at++;
        }

        string key = _text[start.._at].Trim();
        if (key.Length == 0) throw Error("a key is missing");
        if (key.StartsWith("include ", StringComparison.Ordinal) || key.StartsWith("include\"", StringComparison.Ordinal)) throw Error("include is not supported");
        return HoconObject.SplitPath(key);
    }

    private object ParseValue()
    {
        SkipSpaces();
        if (Peek() == '{') return ParseObject();
        if (Peek() == '[') return ParseList();

        var pieces = new List<object>();
        while (_at < _text.Length && !AtEndOfValue()) pieces.Add(ParsePiece());
        if (pieces.Count > 0 && pieces[^1] is PlainText last) pieces[^1] = new PlainText(last.Text.TrimEnd());
        return pieces.Count switch
        {
            0 => throw Error("a value is missing"),
            1 => pieces[0] is PlainText plain ? (plain.Text == "null" ? null : plain.Text) : pieces[0],
            _ => new HoconConcatenation([.. pieces.Select(piece => piece is PlainText plain ? plain.Text : piece)]),
        };
    }

    private object ParsePiece()
    {
        if (Peek() == '"') return ParseQuoted();
        if (StartsWith("${")) return ParseSubstitution();
        if (Peek() is '{' or '[') throw Error("objects and lists cannot be joined with other values");
        int start = _at;
        while (_at < _text.Length && !AtEndOfValue() && Peek() is not ('"' or '{' or '[') && !StartsWith("${")) _at++;
        return new PlainText(_text[start.._at]);
    }

    private List<object> ParseList()
    {
        Enter();
        _at++;
        var items = new List<object>();
        while (true)
        {
            SkipBlank();
            while (Peek() == ',')
            {
                _at++;
                SkipBlank();
            }

            if (_at >= _text.Length) throw Error("a bracket is not closed");
            if (Peek() == ']') break;
            items.Add(ParseValue());
        }

        _at++;
        _depth--;
        return items;
    }

    private string ParseQuoted()
    {
        if (StartsWith("\"\"\""))
        {
            int close = _text.IndexOf("\"\"\"", _at + 3, StringComparison.Ordinal);
            if (close < 0) throw Error("a triple quote is not closed");
            string raw = _text[(_at + 3)..close];
            _at = close + 3;
            return raw;
        }

        var result = new StringBuilder();
        for (_at++; ; _at++)
        {
            if (_at >= _text.Length || _text[_at] == '\n') throw Error("a quote is not closed");
            char c = _text[_at];
            if (c == '"') break;
            result.Append(c == '\\' ? ParseEscape() : c);
        }

        _at++;
        return result.ToString();
    }

    private char ParseEscape()
    {
        _at++;
        switch (Peek())
        {
            case 'n': return '\n';
            case 't': return '\t';
            case 'r': return '\r';
            case 'b': return '\b';
            case 'f': return '\f';
            case '"' or '\\' or '/': return Peek();
            case 'u' when _at + 4 < _text.Length && ushort.TryParse(_text.AsSpan(_at + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort code):
                _at += 4;
                return (char)code;
            default: throw Error("an unknown escape");
        }
    }

    private HoconSubstitution ParseSubstitution()
    {
        int close = _text.IndexOf('}', _at);
        if (close < 0) throw Error("a substitution is not closed");
        string path = _text[(_at + 2)..close].Trim();
        if (path.StartsWith('?')) throw Error("${?...} is not supported");
        var result = new HoconSubstitution(path, Line);
        _at = close + 1;
        return result;
    }

    private bool AtEndOfValue() => Peek() is '\n' or ',' or '}' or ']' or '#' || StartsWith("//");

    private void SkipSpaces()
    {
        while (Peek() is ' ' or '\t' or '\r') _at++;
    }

    private void SkipBlank()
    {
        while (_at < _text.Length)
        {
            if (char.IsWhiteSpace(_text[_at]) || _text[_at] == '\uFEFF') _at++;
            else if (Peek() == '#' || StartsWith("//")) _at = _text.IndexOf('\n', _at) is var end and >= 0 ? end : _text.Length;
            else return;
        }
    }

    private char Peek() => _at < _text.Length ? _text[_at] : '\0';

    private bool StartsWith(string what) => _text.AsSpan(_at).StartsWith(what, StringComparison.Ordinal);

    private void Enter()
    {
        if (++_depth > MaxDepth) throw Error($"nested deeper than {MaxDepth}");
    }

    private int Line => _text.AsSpan(0, Math.Min(_at, _text.Length)).Count('\n') + 1;

    private ConfigurationException Error(string what) => new($"Configuration, line {Line}: {what}.");

    private sealed record PlainText(string Text);
}

using System.Collections.Concurrent;
using System.Globalization;
using Serilog.Events;
using Serilog.Parsing;

namespace Qcow2Target.ActorRuntime;

/// <summary>Renders log templates. Never throws: what does not fit is left as it stands.</summary>
internal static class LogTemplate
{
    private const int CacheLimit = 1000;    // templates are constants; a caller that builds them must not fill the memory

    private static readonly MessageTemplateParser Parser = new();
    private static readonly ConcurrentDictionary<string, MessageTemplate> Cache = new();

    public static string Render(string format, object[] args, QuoteStrings quoteStrings)
    {
        if (args is null || args.Length == 0) return format;
        MessageTemplate template = Parse(format);
        PropertyToken[] holes = [.. template.Tokens.OfType<PropertyToken>()];
        bool positional = holes.All(hole => hole.TryGetPositionalValue(out _));
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        int next = 0;
        foreach (MessageTemplateToken token in template.Tokens)
        {
            if (token is not PropertyToken hole)
            {
                text.Write(((TextToken)token).Text);
                continue;
            }

            int index = positional && hole.TryGetPositionalValue(out int position) ? position : next++;
            if (index >= args.Length) text.Write(hole);
            else WriteValue(text, hole, args[index], quoteStrings);
        }

        return text.ToString();
    }

    private static MessageTemplate Parse(string format)
    {
        if (Cache.TryGetValue(format, out MessageTemplate template)) return template;
        template = Parser.Parse(format);
        if (Cache.Count < CacheLimit) Cache.TryAdd(format, template);
        return template;
    }

    private static void WriteValue(StringWriter text, PropertyToken hole, object value, QuoteStrings quoteStrings)
    {
        var properties = new Dictionary<string, LogEventPropertyValue> { [hole.PropertyName] = new ScalarValue(value) };
        if (value is string plain && quoteStrings == QuoteStrings.No) text.Write(plain);
        else hole.Render(properties, text, CultureInfo.InvariantCulture);
    }
}

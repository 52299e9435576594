using System.Text.Json;
using System.Text.Unicode;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Qcow2Target.Control;

/// <summary>What both directions have in common: strict JSON in, compact JSON out.</summary>
internal static class JsonForm
{
    /// <summary>
    /// Why <paramref name="line"/> is not one JSON text (RFC 8259, UTF-8), or null. Asked before Json.NET reads: that takes comments, single
    /// quotes, trailing commas and hexadecimal numbers for JSON and cannot be told not to.
    /// </summary>
    public static string? FindFault(ReadOnlySpan<byte> line, int maxDepth)
    {
        if (!Utf8.IsValid(line))
            return "it is not UTF-8";
        var reader = new Utf8JsonReader(line, new JsonReaderOptions { MaxDepth = maxDepth + 1 });
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray && reader.CurrentDepth >= maxDepth)
                    return $"it is nested deeper than {maxDepth} levels";
                // Escapes can spell half of a surrogate pair, which no encoding can carry; Json.NET would replace it silently.
                if (reader.ValueIsEscaped)
                    reader.GetString();
            }

            return null;
        }
        catch (System.Text.Json.JsonException fault)
        {
            // The rest of the library's message repeats the line number, always 0, and speaks of its own settings.
            return $"unexpected input at byte {fault.BytePositionInLine ?? 0}";
        }
        catch (InvalidOperationException)
        {
            return $"an escape at byte {reader.TokenStartIndex} or behind spells half of a surrogate pair";
        }
    }

    /// <summary>A reader for text that has passed <see cref="FindFault"/>: strings stay strings, even if they look like dates.</summary>
    public static JsonTextReader Read(TextReader text, int maxDepth) => new(text)
    {
        DateParseHandling = DateParseHandling.None,
        FloatParseHandling = FloatParseHandling.Double,
        MaxDepth = maxDepth,
        CloseInput = true,
    };

    /// <summary>What <paramref name="type"/> is called in an error text, with its article.</summary>
    public static string Describe(JTokenType type) => type switch
    {
        JTokenType.Object => "an object",
        JTokenType.Array => "an array",
        JTokenType.String => "a string",
        JTokenType.Integer => "an integer",
        JTokenType.Float => "a fraction",
        JTokenType.Boolean => "a boolean",
        JTokenType.Null => "null",
        _ => "something else",
    };

    public static void Write(JsonTextWriter json, string name, object value)
    {
        json.WritePropertyName(name);
        json.WriteValue(value);
    }

    public static void WriteStrings(JsonTextWriter json, string name, IReadOnlyList<string> values)
    {
        json.WritePropertyName(name);
        json.WriteStartArray();
        foreach (string value in values)
            json.WriteValue(value);
        json.WriteEndArray();
    }

    /// <summary>Writes one compact JSON text and a line feed, in UTF-8.</summary>
    public static byte[] WriteLine(Action<JsonTextWriter> write)
    {
        using var bytes = new MemoryStream();
        using (var text = new StreamWriter(bytes, leaveOpen: true) { NewLine = "\n" })
        {
            using (var json = new JsonTextWriter(text) { Formatting = Formatting.None, CloseOutput = false })
                write(json);
            text.WriteLine();
        }

        return bytes.ToArray();
    }
}

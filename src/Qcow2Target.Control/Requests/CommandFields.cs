using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using Qcow2Target.Control.Errors;

namespace Qcow2Target.Control.Requests;

/// <summary>
/// The fields of a request's <c>command</c>. Each is asked for by name and type; <see cref="RefuseOthers"/> names one that is not
/// known. Faults are thrown as <see cref="RequestFormException"/>.
/// </summary>
internal sealed class CommandFields
{
    private readonly Dictionary<string, JToken> _fields = new(StringComparer.Ordinal);

    /// <summary>Reads the object that <paramref name="reader"/> stands on; leaves it on the object's end.</summary>
    public static CommandFields Read(JsonTextReader reader)
    {
        var fields = new CommandFields();
        while (reader.Read() && reader.TokenType != JsonToken.EndObject)
        {
            var name = (string)reader.Value!;
            reader.Read();
            if (!fields._fields.TryAdd(name, JToken.ReadFrom(reader)))
                throw new RequestFormException(ControlErrors.DuplicateField(name));
        }

        return fields;
    }

    /// <summary>Refuses fields other than <paramref name="known"/>: a misspelt option must not be dropped silently.</summary>
    public void RefuseOthers(string type, params ReadOnlySpan<string> known)
    {
        foreach (string name in _fields.Keys)
        {
            if (!known.Contains(name))
                throw new RequestFormException(ControlErrors.UnknownField(name, type));
        }
    }

    public string RequiredString(string name) => _fields.TryGetValue(name, out JToken? value)
        ? StringOf(name, value)
        : throw new RequestFormException(ControlErrors.MissingField(name));

    public long RequiredInteger(string name) => _fields.TryGetValue(name, out JToken? value)
        ? IntegerOf(name, value)
        : throw new RequestFormException(ControlErrors.MissingField(name));

    public string? OptionalString(string name) => Find(name) is { } value ? StringOf(name, value) : null;

    public long? OptionalInteger(string name) => Find(name) is { } value ? IntegerOf(name, value) : null;

    public bool? OptionalBoolean(string name) => Find(name) switch
    {
        null => null,
        { Type: JTokenType.Boolean } value => value.Value<bool>(),
        { } value => throw Wrong(name, "a boolean", value),
    };

    /// <summary>A list of strings; null: the field is not there. One that is null is an empty list.</summary>
    public IReadOnlyList<string>? OptionalStrings(string name) => ListOf(name, JTokenType.String, "a list of strings", item => item.Value<string>()!);

    /// <summary>A list of objects with a name and a secret, or one such object; null: the field is not there. One that is null is an empty list.</summary>
    public IReadOnlyList<ChapUser>? OptionalUsers(string name) =>
        ListOf(name, JTokenType.Object, "an object with name and secret, or a list of them", item => UserOf(name, (JObject)item));

    private IReadOnlyList<T>? ListOf<T>(string name, JTokenType type, string expected, Func<JToken, T> read)
    {
        if (!_fields.TryGetValue(name, out JToken? value))
            return null;
        IEnumerable<JToken> items = value.Type switch
        {
            JTokenType.Null => [],
            JTokenType.Array => value.Children(),
            JTokenType.Object when type == JTokenType.Object => [value],
            _ => throw Wrong(name, expected, value),
        };
        return [.. items.Select(item => item.Type == type ? read(item) : throw Wrong(name, expected, item))];
    }

    private static ChapUser UserOf(string field, JObject item)
    {
        foreach (JProperty property in item.Properties())
        {
            if (property.Name is not (FieldNames.Name or FieldNames.Secret))
                throw new RequestFormException(ControlErrors.UnknownField(property.Name, field));
        }

        return new ChapUser(Part(FieldNames.Name), Part(FieldNames.Secret));

        string Part(string name) => item.TryGetValue(name, out JToken? value) ? StringOf(name, value) : throw new RequestFormException(ControlErrors.MissingField($"{field}.{name}"));
    }

    /// <summary>An optional field that is null counts as left out.</summary>
    private JToken? Find(string name) =>
        _fields.TryGetValue(name, out JToken? value) && value.Type != JTokenType.Null ? value : null;

    private static string StringOf(string name, JToken value) => value.Type == JTokenType.String
        ? value.Value<string>()!
        : throw Wrong(name, "a string", value);

    private static long IntegerOf(string name, JToken value) => value switch
    {
        JValue { Value: long number } => number,
        { Type: JTokenType.Integer } => throw new RequestFormException(ControlErrors.WrongType(name, "an integer of 64 bits", "a larger one")),
        _ => throw Wrong(name, "an integer", value),
    };

    private static RequestFormException Wrong(string name, string expected, JToken value) =>
        new(ControlErrors.WrongType(name, expected, JsonForm.Describe(value.Type)));
}

using System.Text;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using Qcow2Target.Control.Errors;
using Qcow2Target.Control.Replies;
using Qcow2Target.Control.Requests;

namespace Qcow2Target.Control.Client;

/// <summary>
/// Reads what <see cref="ReplyCodec"/> writes. Fields that this version does not know are ignored, so that an older client goes on
/// working with a newer daemon.
/// </summary>
public static class ReplyReader
{
    /// <summary>Reads the reply to <paramref name="request"/>, a line without its line end.</summary>
    /// <exception cref="ControlClientException">It is no reply, or not one to this request (<see cref="ControlClientError.MalformedReply"/>).</exception>
    public static ControlReply Read(ControlRequest request, ReadOnlySpan<byte> line)
    {
        if (JsonForm.FindFault(line, ControlLimits.MaxReplyJsonDepth) is { } fault)
            throw Malformed($"not JSON: {fault}");
        try
        {
            using JsonTextReader reader = JsonForm.Read(new StringReader(Encoding.UTF8.GetString(line)), ControlLimits.MaxReplyJsonDepth);
            if (JToken.ReadFrom(reader) is not JObject reply)
                throw Malformed("not an object");
            return Read(request, reply);
        }
        catch (Exception unreadable) when (unreadable is JsonException or FormatException or OverflowException or InvalidCastException)
        {
            throw Malformed(unreadable.Message);
        }
    }

    private static ControlReply Read(ControlRequest request, JObject reply)
    {
        var error = Need<string>(reply, FieldNames.Error);
        JObject result = Need<JObject>(reply, FieldNames.Result);
        if (error.Length > 0)
            return new FailureReply(ReadError(error, result));
        return request switch
        {
            AttachRequest => new AttachReply(Need<int>(result, FieldNames.LunId)),
            DetachLunRequest => new DetachLunReply(Need<string>(result, FieldNames.FilePath)),
            ClearTargetRequest => new ClearTargetReply(Strings(result, FieldNames.FreedLogicalUnitPaths)),
            ResizeRequest => new ResizeReply(Need<long>(result, FieldNames.Size)),
            CheckDiskRequest => new CheckReply(
                Need<string>(result, FieldNames.Outcome), Need<long>(result, FieldNames.Errors), Need<long>(result, FieldNames.Leaks), Strings(result, FieldNames.Findings)),
            ListRequest list => new ListReply([.. result.Properties().Select(ReadTarget)], list.Detail),
            AddTargetRequest or DeleteTargetRequest or SetAccessRequest => EmptyReply.Instance,
            _ => throw new ArgumentException($"There is no reply to a {request.GetType().Name}.", nameof(request)),
        };
    }

    private static ControlError ReadError(string text, JObject result)
    {
        var facts = new List<ErrorFact>();
        foreach (JProperty property in result.Properties())
        {
            if (property is { Name: not FieldNames.Code, Value: JValue { Value: string or long } value })
                facts.Add(value.Value is long number ? ErrorFact.Of(property.Name, number) : ErrorFact.Of(property.Name, (string)value.Value!));
        }

        // A daemon of another make need not send a code.
        string code = result[FieldNames.Code]?.Value<string>() is { Length: > 0 } given ? given : ErrorCodes.Internal;
        return ControlError.Verbatim(code, text, facts);
    }

    private static TargetListing ReadTarget(JProperty target)
    {
        if (target.Value is not JObject fields)
            throw Malformed($"target '{target.Name}' is not an object");
        return new TargetListing(
            target.Name,
            Need<int>(fields, FieldNames.TargetId),
            [.. Need<JArray>(fields, FieldNames.LogicalUnits).Select(ReadLun)],
            Strings(fields, FieldNames.ItNexuses),
            fields[FieldNames.Access] is JObject access ? ReadAccess(access) : null,
            fields[FieldNames.UnresponsiveNexuses] is null ? null : Strings(fields, FieldNames.UnresponsiveNexuses));
    }

    private static AccessListing ReadAccess(JObject access)
    {
        return new AccessListing(Names(FieldNames.Chap), Names(FieldNames.MutualChap), Names(FieldNames.Initiators), Names(FieldNames.Networks));

        IReadOnlyList<string> Names(string name) => access[name] is null ? [] : Strings(access, name);
    }

    private static LunListing ReadLun(JToken lun)
    {
        if (lun is not JObject fields)
            throw Malformed("a logical unit is not an object");
        // The path is optional in the contract, the state is left out where all is well; one that a newer daemon invented is not "ready".
        var path = fields[FieldNames.FilePath]?.Value<string>();
        LunState state = fields[FieldNames.State]?.Value<string>() is { } name ? LunStateNames.Find(name) ?? LunState.Degraded : LunState.Ready;
        var details = new LunDetails(
            fields[FieldNames.Serial]?.Value<string>(),
            fields[FieldNames.SizeBytes]?.Value<long>(),
            fields[FieldNames.StateReason]?.Value<string>(),
            fields[FieldNames.BackingPaths] is null ? null : Strings(fields, FieldNames.BackingPaths),
            fields[FieldNames.ReadOnly]?.Value<bool>(),
            fields[FieldNames.DetectZeroes]?.Value<bool>(),
            fields[FieldNames.Removable]?.Value<bool>(),
            fields[FieldNames.PhysicalBlockSize]?.Value<long>());
        return new LunListing(
            Need<int>(fields, FieldNames.LogicalUnitId), path ?? "", state, details == new LunDetails() ? null : details);
    }

    private static IReadOnlyList<string> Strings(JObject parent, string name) =>
        [.. Need<JArray>(parent, name).Select(item => item.Value<string>() ?? throw Malformed($"'{name}' holds null"))];

    private static T Need<T>(JObject parent, string name)
    {
        JToken? value = parent[name];
        if (value is T token)
            return token;
        if (value is not JValue { Value: { } } || typeof(T).IsAssignableTo(typeof(JToken)))
            throw Malformed($"'{name}' is missing or of a wrong type");
        return value.Value<T>()!;
    }

    private static ControlClientException Malformed(string why) =>
        new(ControlClientError.MalformedReply, $"The daemon's reply is not understood: {why}");
}

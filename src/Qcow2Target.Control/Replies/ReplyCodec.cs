using Newtonsoft.Json;
using Qcow2Target.Control.Errors;
using Qcow2Target.Control.Requests;

namespace Qcow2Target.Control.Replies;

/// <summary>
/// Replies as lines of compact JSON: <c>{"error":"","result":{...},"Type":"..."}</c>, fields in this order. ReplyReader is
/// the other direction.
/// </summary>
public static class ReplyCodec
{
    /// <summary>Writes <paramref name="reply"/> as a line with its line feed.</summary>
    public static byte[] Encode(ControlReply reply) => JsonForm.WriteLine(json =>
    {
        json.WriteStartObject();
        json.WritePropertyName(FieldNames.Error);
        json.WriteValue(reply is FailureReply failure ? failure.Error.Text : "");
        json.WritePropertyName(FieldNames.Result);
        json.WriteStartObject();
        WriteResult(json, reply);
        json.WriteEndObject();
        json.WritePropertyName(FieldNames.ReplyType);
        json.WriteValue(reply.Type);
        json.WriteEndObject();
    });

    private static void WriteResult(JsonTextWriter json, ControlReply reply)
    {
        switch (reply)
        {
            case AttachReply attached:
                json.WritePropertyName(FieldNames.LunId);
                json.WriteValue(attached.LunId);
                break;
            case DetachLunReply detached:
                json.WritePropertyName(FieldNames.FilePath);
                json.WriteValue(detached.FilePath);
                break;
            case ClearTargetReply cleared:
                WriteStrings(json, FieldNames.FreedLogicalUnitPaths, cleared.FreedPaths);
                break;
            case ResizeReply resized:
                json.WritePropertyName(FieldNames.Size);
                json.WriteValue(resized.Size);
                break;
            case CheckReply check:
                json.WritePropertyName(FieldNames.Outcome);
                json.WriteValue(check.Outcome);
                json.WritePropertyName(FieldNames.Errors);
                json.WriteValue(check.Errors);
                json.WritePropertyName(FieldNames.Leaks);
                json.WriteValue(check.Leaks);
                WriteStrings(json, FieldNames.Findings, check.Findings);
                break;
            case ListReply list:
                foreach (TargetListing target in list.Targets)
                    WriteTarget(json, target, list.Detail);
                break;
            case FailureReply failure:
                WriteError(json, failure.Error);
                break;
            case EmptyReply:
                break;
        }
    }

    private static void WriteError(JsonTextWriter json, ControlError error)
    {
        json.WritePropertyName(FieldNames.Code);
        json.WriteValue(error.Code);
        foreach (ErrorFact fact in error.Facts)
        {
            json.WritePropertyName(fact.Name);
            json.WriteValue(fact.Value);
        }
    }

    private static void WriteTarget(JsonTextWriter json, TargetListing target, ListDetail detail)
    {
        json.WritePropertyName(target.Name);
        json.WriteStartObject();
        json.WritePropertyName(FieldNames.TargetId);
        json.WriteValue(target.TargetId);
        json.WritePropertyName(FieldNames.LogicalUnits);
        json.WriteStartArray();
        foreach (LunListing lun in target.LogicalUnits)
            WriteLun(json, lun, detail);
        json.WriteEndArray();
        json.WritePropertyName(FieldNames.HasConnections);
        json.WriteValue(target.HasConnections);
        WriteStrings(json, FieldNames.ItNexuses, target.ItNexuses);
        if (detail == ListDetail.Full && target.Access is { } access)
            WriteAccess(json, access);
        json.WriteEndObject();
    }

    private static void WriteAccess(JsonTextWriter json, AccessListing access)
    {
        json.WritePropertyName(FieldNames.Access);
        json.WriteStartObject();
        foreach (var (name, values) in new[]
        {
            (FieldNames.Chap, access.Chap), (FieldNames.MutualChap, access.MutualChap), (FieldNames.Initiators, access.Initiators), (FieldNames.Networks, access.Networks),
        })
        {
            if (values.Count > 0)
                WriteStrings(json, name, values);
        }

        json.WriteEndObject();
    }

    private static void WriteLun(JsonTextWriter json, LunListing lun, ListDetail detail)
    {
        json.WriteStartObject();
        json.WritePropertyName(FieldNames.LogicalUnitId);
        json.WriteValue(lun.LunId);
        json.WritePropertyName(FieldNames.FilePath);
        json.WriteValue(lun.FilePath);
        if (lun.State != LunState.Ready || detail == ListDetail.Full)
        {
            json.WritePropertyName(FieldNames.State);
            json.WriteValue(LunStateNames.Of(lun.State));
        }

        if (detail == ListDetail.Full && lun.Details is { } details)
            WriteDetails(json, details);
        json.WriteEndObject();
    }

    /// <summary>What the contract does not have and only <see cref="ListDetail.Full"/> shows: new fields are added here.</summary>
    private static void WriteDetails(JsonTextWriter json, LunDetails details)
    {
        if (details.StateReason is { } reason)
        {
            json.WritePropertyName(FieldNames.StateReason);
            json.WriteValue(reason);
        }

        if (details.Serial is { } serial)
        {
            json.WritePropertyName(FieldNames.Serial);
            json.WriteValue(serial);
        }

        if (details.SizeBytes is { } size)
        {
            json.WritePropertyName(FieldNames.SizeBytes);
            json.WriteValue(size);
        }

        if (details.BackingPaths is { } paths)
            WriteStrings(json, FieldNames.BackingPaths, paths);
        if (details.ReadOnly is { } readOnly)
        {
            json.WritePropertyName(FieldNames.ReadOnly);
            json.WriteValue(readOnly);
        }

        if (details.DetectsZeroes is { } detects)
        {
            json.WritePropertyName(FieldNames.DetectZeroes);
            json.WriteValue(detects);
        }

        if (details.Removable is { } removable)
        {
            json.WritePropertyName(FieldNames.Removable);
            json.WriteValue(removable);
        }

        if (details.PhysicalBlockSize is { } physicalBlockSize)
        {
            json.WritePropertyName(FieldNames.PhysicalBlockSize);
            json.WriteValue(physicalBlockSize);
        }
    }

    private static void WriteStrings(JsonTextWriter json, string name, IReadOnlyList<string> values)
    {
        json.WritePropertyName(name);
        json.WriteStartArray();
        foreach (string value in values)
            json.WriteValue(value);
        json.WriteEndArray();
    }
}

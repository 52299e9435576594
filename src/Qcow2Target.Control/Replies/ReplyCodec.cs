using Newtonsoft.Json;
using Qcow2Target.Control.Errors;
using Qcow2Target.Control.Requests;
using static Qcow2Target.Control.JsonForm;

namespace Qcow2Target.Control.Replies;

/// <summary>
/// Replies as lines of compact JSON: <c>{"error":"","result":{...},"Type":"..."}</c>, fields in this order. ReplyReader is
/// the other direction.
/// </summary>
public static class ReplyCodec
{
    /// <summary>Writes <paramref name="reply"/> as a line with its line feed.</summary>
    public static byte[] Encode(ControlReply reply) => WriteLine(json =>
    {
        json.WriteStartObject();
        Write(json, FieldNames.Error, reply is FailureReply failure ? failure.Error.Text : "");
        json.WritePropertyName(FieldNames.Result);
        json.WriteStartObject();
        WriteResult(json, reply);
        json.WriteEndObject();
        Write(json, FieldNames.ReplyType, reply.Type);
        json.WriteEndObject();
    });

    private static void WriteResult(JsonTextWriter json, ControlReply reply)
    {
        switch (reply)
        {
            case AttachReply attached:
                Write(json, FieldNames.LunId, attached.LunId);
                break;
            case DetachLunReply detached:
                Write(json, FieldNames.FilePath, detached.FilePath);
                break;
            case ClearTargetReply cleared:
                WriteStrings(json, FieldNames.FreedLogicalUnitPaths, cleared.FreedPaths);
                break;
            case ResizeReply resized:
                Write(json, FieldNames.Size, resized.Size);
                break;
            case CheckReply check:
                Write(json, FieldNames.Outcome, check.Outcome);
                Write(json, FieldNames.Errors, check.Errors);
                Write(json, FieldNames.Leaks, check.Leaks);
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
        Write(json, FieldNames.Code, error.Code);
        foreach (ErrorFact fact in error.Facts)
        {
            Write(json, fact.Name, fact.Value);
        }
    }

    private static void WriteTarget(JsonTextWriter json, TargetListing target, ListDetail detail)
    {
        json.WritePropertyName(target.Name);
        json.WriteStartObject();
        Write(json, FieldNames.TargetId, target.TargetId);
        json.WritePropertyName(FieldNames.LogicalUnits);
        json.WriteStartArray();
        foreach (LunListing lun in target.LogicalUnits)
            WriteLun(json, lun, detail);
        json.WriteEndArray();
        Write(json, FieldNames.HasConnections, target.HasConnections);
        WriteStrings(json, FieldNames.ItNexuses, target.ItNexuses);
        if (detail == ListDetail.Full && target.Unresponsive is { Count: > 0 } unresponsive)
            WriteStrings(json, FieldNames.UnresponsiveNexuses, unresponsive);
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
        Write(json, FieldNames.LogicalUnitId, lun.LunId);
        Write(json, FieldNames.FilePath, lun.FilePath);
        if (lun.State != LunState.Ready || detail == ListDetail.Full)
        {
            Write(json, FieldNames.State, LunStateNames.Of(lun.State));
        }

        if (detail == ListDetail.Full && lun.Details is { } details)
            WriteDetails(json, details);
        json.WriteEndObject();
    }

    /// <summary>What the contract does not have and only <see cref="ListDetail.Full"/> shows: new fields are added here.</summary>
    private static void WriteDetails(JsonTextWriter json, LunDetails details)
    {
        if (details.StateReason is { } reason)
            Write(json, FieldNames.StateReason, reason);
        if (details.Serial is { } serial)
            Write(json, FieldNames.Serial, serial);
        if (details.SizeBytes is { } size)
            Write(json, FieldNames.SizeBytes, size);
        if (details.BackingPaths is { } paths)
            WriteStrings(json, FieldNames.BackingPaths, paths);
        if (details.ReadOnly is { } readOnly)
            Write(json, FieldNames.ReadOnly, readOnly);
        if (details.DetectsZeroes is { } detects)
            Write(json, FieldNames.DetectZeroes, detects);
        if (details.Removable is { } removable)
            Write(json, FieldNames.Removable, removable);
        if (details.PhysicalBlockSize is { } physicalBlockSize)
            Write(json, FieldNames.PhysicalBlockSize, physicalBlockSize);
    }
}

using System.Text;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using Qcow2Target.Control.Errors;
using static Qcow2Target.Control.JsonForm;

namespace Qcow2Target.Control.Requests;

/// <summary>
/// Requests as lines of JSON: <c>{"type":"...","command":{...}}</c>. Unknown fields beside those two are ignored, unknown fields of
/// <c>command</c> are refused; LIST takes any <c>command</c>, or none. To add a request or a field: docs/dev/add-a-control-verb.md.
/// </summary>
public static class RequestCodec
{
    /// <summary>Reads one line, without its line end. Any bytes end in a request or an error.</summary>
    public static RequestOutcome Parse(ReadOnlySpan<byte> line)
    {
        if (line.Length > ControlLimits.MaxLineBytes)
            return RequestOutcome.Of(ControlErrors.LineTooLong());
        if (JsonForm.FindFault(line, ControlLimits.MaxJsonDepth) is { } fault)
            return RequestOutcome.Of(ControlErrors.InvalidJson(fault));
        try
        {
            using JsonTextReader reader = JsonForm.Read(new StringReader(Encoding.UTF8.GetString(line)), ControlLimits.MaxJsonDepth);
            return RequestOutcome.Of(ReadRequest(reader));
        }
        catch (RequestFormException refused)
        {
            return RequestOutcome.Of(refused.Error);
        }
        catch (JsonException)
        {
            // What is JSON and still cannot be read: a number of several hundred digits.
            return RequestOutcome.Of(ControlErrors.InvalidJson("a number is too long"));
        }
    }

    /// <summary>Writes <paramref name="request"/> as a line with its line feed. Optional fields that have their default are left out.</summary>
    public static byte[] Encode(ControlRequest request) => WriteLine(json =>
    {
        json.WriteStartObject();
        json.WritePropertyName(FieldNames.Type);
        json.WriteValue(request.Type);
        json.WritePropertyName(FieldNames.Command);
        json.WriteStartObject();
        WriteCommand(json, request);
        json.WriteEndObject();
        json.WriteEndObject();
    });

    private static ControlRequest ReadRequest(JsonTextReader reader)
    {
        JToken? type = null;
        JToken? wrongCommand = null;
        CommandFields? command = null;
        reader.Read();
        if (reader.TokenType != JsonToken.StartObject)
            throw new RequestFormException(ControlErrors.InvalidJson("a request is an object"));
        while (reader.Read() && reader.TokenType != JsonToken.EndObject)
        {
            var name = (string)reader.Value!;
            reader.Read();
            switch (name)
            {
                case FieldNames.Type when type is null:
                    type = JToken.ReadFrom(reader);
                    break;
                case FieldNames.Command when command is null && wrongCommand is null:
                    if (reader.TokenType == JsonToken.StartObject)
                        command = CommandFields.Read(reader);
                    else
                        wrongCommand = JToken.ReadFrom(reader);
                    break;
                case FieldNames.Type or FieldNames.Command:
                    throw new RequestFormException(ControlErrors.DuplicateField(name));
                default:
                    reader.Skip();
                    break;
            }
        }

        if (type is null)
            throw new RequestFormException(ControlErrors.MissingField(FieldNames.Type));
        if (type.Type != JTokenType.String)
            throw new RequestFormException(ControlErrors.WrongType(FieldNames.Type, "a string", Describe(type.Type)));
        return ReadCommand(type.Value<string>()!, command, wrongCommand);
    }

    private static ControlRequest ReadCommand(string type, CommandFields? command, JToken? wrongCommand)
    {
        return type switch
        {
            RequestTypes.Attach => ReadAttach(Required()),
            RequestTypes.DetachLun => ReadDetachLun(Required()),
            RequestTypes.AddTarget => ReadAddTarget(Required()),
            RequestTypes.DeleteTarget => ReadDeleteTarget(Required()),
            RequestTypes.ClearTarget => ReadClearTarget(Required()),
            RequestTypes.List => ReadList(command),
            RequestTypes.Resize => ReadResize(Required()),
            RequestTypes.SetAccess => ReadSetAccess(Required()),
            RequestTypes.Check => ReadCheck(Required()),
            _ => throw new RequestFormException(ControlErrors.UnknownRequest(type)),
        };

        CommandFields Required()
        {
            if (command is not null)
                return command;
            throw new RequestFormException(wrongCommand is null
                ? ControlErrors.MissingField(FieldNames.Command)
                : ControlErrors.WrongType(FieldNames.Command, "an object", Describe(wrongCommand.Type)));
        }
    }

    private static AttachRequest ReadAttach(CommandFields command)
    {
        // A field stands here when the daemon acts upon it, not before.
        command.RefuseOthers(
            RequestTypes.Attach,
            FieldNames.DiskPath, FieldNames.TargetName, FieldNames.LunId, FieldNames.Serial, FieldNames.ReadOnly, FieldNames.DetectZeroes,
            FieldNames.DiscardPending, FieldNames.Removable, FieldNames.PhysicalBlockSize);
        return new AttachRequest(
            DiskPath: command.RequiredString(FieldNames.DiskPath),
            TargetName: command.RequiredString(FieldNames.TargetName),
            LunId: command.OptionalInteger(FieldNames.LunId),
            Serial: command.OptionalString(FieldNames.Serial),
            Access: command.OptionalBoolean(FieldNames.ReadOnly) == true ? DiskAccess.ReadOnly : DiskAccess.ReadWrite,
            Zeroes: command.OptionalBoolean(FieldNames.DetectZeroes) == true ? ZeroPolicy.Unmap : ZeroPolicy.Write,
            Pending: command.OptionalBoolean(FieldNames.DiscardPending) == true ? PendingPolicy.Discard : PendingPolicy.Keep,
            Medium: command.OptionalBoolean(FieldNames.Removable) == true ? DiskMedium.Removable : DiskMedium.Fixed,
            PhysicalBlockSize: command.OptionalInteger(FieldNames.PhysicalBlockSize));
    }

    private static DetachLunRequest ReadDetachLun(CommandFields command)
    {
        command.RefuseOthers(RequestTypes.DetachLun, FieldNames.LunId, FieldNames.TargetName, FieldNames.Flush);
        return new DetachLunRequest(
            LunId: command.RequiredInteger(FieldNames.LunId),
            TargetName: command.RequiredString(FieldNames.TargetName),
            Flush: FlushOf(command));
    }

    private static AddTargetRequest ReadAddTarget(CommandFields command)
    {
        command.RefuseOthers(
            RequestTypes.AddTarget, FieldNames.TargetName, FieldNames.Chap, FieldNames.MutualChap, FieldNames.Initiators, FieldNames.Networks);
        return new AddTargetRequest(command.RequiredString(FieldNames.TargetName), AccessOf(command).NullIfNothingIsSaid());
    }

    private static DeleteTargetRequest ReadDeleteTarget(CommandFields command)
    {
        command.RefuseOthers(RequestTypes.DeleteTarget, FieldNames.TargetName, FieldNames.Force);
        return new DeleteTargetRequest(command.RequiredString(FieldNames.TargetName), SessionsOf(command));
    }

    private static ClearTargetRequest ReadClearTarget(CommandFields command)
    {
        command.RefuseOthers(RequestTypes.ClearTarget, FieldNames.TargetName, FieldNames.Force, FieldNames.Flush);
        return new ClearTargetRequest(command.RequiredString(FieldNames.TargetName), SessionsOf(command), FlushOf(command));
    }

    /// <summary>Old clients send LIST with whatever is at hand: what is not one of its own fields is ignored here.</summary>
    private static ListRequest ReadList(CommandFields? command)
    {
        string? targetName = command?.OptionalString(FieldNames.TargetName);
        bool full = command?.OptionalBoolean(FieldNames.Details) ?? targetName is not null;
        return new ListRequest(targetName, full ? ListDetail.Full : ListDetail.Contract);
    }

    private static ResizeRequest ReadResize(CommandFields command)
    {
        command.RefuseOthers(RequestTypes.Resize, FieldNames.TargetName, FieldNames.LunId, FieldNames.Size);
        return new ResizeRequest(
            TargetName: command.RequiredString(FieldNames.TargetName),
            LunId: command.RequiredInteger(FieldNames.LunId),
            Size: command.RequiredInteger(FieldNames.Size));
    }

    private static SetAccessRequest ReadSetAccess(CommandFields command)
    {
        command.RefuseOthers(
            RequestTypes.SetAccess, FieldNames.TargetName, FieldNames.Chap, FieldNames.MutualChap, FieldNames.Initiators, FieldNames.Networks);
        return new SetAccessRequest(command.RequiredString(FieldNames.TargetName), AccessOf(command));
    }

    private static CheckDiskRequest ReadCheck(CommandFields command)
    {
        command.RefuseOthers(RequestTypes.Check, FieldNames.TargetName, FieldNames.LunId);
        return new CheckDiskRequest(command.RequiredString(FieldNames.TargetName), command.RequiredInteger(FieldNames.LunId));
    }

    private static AccessConditions AccessOf(CommandFields command) => new(
        command.OptionalUsers(FieldNames.Chap),
        command.OptionalUsers(FieldNames.MutualChap),
        command.OptionalStrings(FieldNames.Initiators),
        command.OptionalStrings(FieldNames.Networks));

    private static FlushPolicy FlushOf(CommandFields command) =>
        command.OptionalBoolean(FieldNames.Flush) == false ? FlushPolicy.Drop : FlushPolicy.Flush;

    private static SessionPolicy SessionsOf(CommandFields command) =>
        command.OptionalBoolean(FieldNames.Force) == true ? SessionPolicy.EndSessions : SessionPolicy.RefuseIfConnected;

    private static void WriteCommand(JsonTextWriter json, ControlRequest request)
    {
        switch (request)
        {
            case AttachRequest attach:
                Write(json, FieldNames.DiskPath, attach.DiskPath);
                Write(json, FieldNames.TargetName, attach.TargetName);
                if (attach.LunId is { } lunId)
                    Write(json, FieldNames.LunId, lunId);
                if (attach.Serial is { } serial)
                    Write(json, FieldNames.Serial, serial);
                if (attach.Access == DiskAccess.ReadOnly)
                    Write(json, FieldNames.ReadOnly, true);
                if (attach.Zeroes == ZeroPolicy.Unmap)
                    Write(json, FieldNames.DetectZeroes, true);
                if (attach.Pending == PendingPolicy.Discard)
                    Write(json, FieldNames.DiscardPending, true);
                if (attach.Medium == DiskMedium.Removable)
                    Write(json, FieldNames.Removable, true);
                if (attach.PhysicalBlockSize is { } physicalBlockSize)
                    Write(json, FieldNames.PhysicalBlockSize, physicalBlockSize);
                break;
            case DetachLunRequest detach:
                Write(json, FieldNames.LunId, detach.LunId);
                Write(json, FieldNames.TargetName, detach.TargetName);
                WriteFlush(json, detach.Flush);
                break;
            case AddTargetRequest add:
                Write(json, FieldNames.TargetName, add.TargetName);
                if (add.Access is { } access)
                    WriteAccess(json, access);
                break;
            case SetAccessRequest set:
                Write(json, FieldNames.TargetName, set.TargetName);
                WriteAccess(json, set.Access);
                break;
            case CheckDiskRequest check:
                Write(json, FieldNames.TargetName, check.TargetName);
                Write(json, FieldNames.LunId, check.LunId);
                break;
            case DeleteTargetRequest delete:
                Write(json, FieldNames.TargetName, delete.TargetName);
                WriteForce(json, delete.Sessions);
                break;
            case ClearTargetRequest clear:
                Write(json, FieldNames.TargetName, clear.TargetName);
                WriteForce(json, clear.Sessions);
                WriteFlush(json, clear.Flush);
                break;
            case ListRequest list:
                if (list.TargetName is { } targetName)
                    Write(json, FieldNames.TargetName, targetName);
                if (list.Detail == ListDetail.Full)
                    Write(json, FieldNames.Details, true);
                break;
            case ResizeRequest resize:
                Write(json, FieldNames.TargetName, resize.TargetName);
                Write(json, FieldNames.LunId, resize.LunId);
                Write(json, FieldNames.Size, resize.Size);
                break;
        }
    }

    private static void WriteAccess(JsonTextWriter json, AccessConditions access)
    {
        WriteUsers(json, FieldNames.Chap, access.Chap);
        WriteUsers(json, FieldNames.MutualChap, access.MutualChap);
        if (access.Initiators is { } initiators)
            WriteStrings(json, FieldNames.Initiators, initiators);
        if (access.Networks is { } networks)
            WriteStrings(json, FieldNames.Networks, networks);
    }

    private static void WriteUsers(JsonTextWriter json, string name, IReadOnlyList<ChapUser>? users)
    {
        if (users is null)
            return;
        json.WritePropertyName(name);
        json.WriteStartArray();
        foreach (ChapUser user in users)
        {
            json.WriteStartObject();
            Write(json, FieldNames.Name, user.Name);
            Write(json, FieldNames.Secret, user.Secret);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteForce(JsonTextWriter json, SessionPolicy sessions)
    {
        if (sessions == SessionPolicy.EndSessions)
            Write(json, FieldNames.Force, true);
    }

    private static void WriteFlush(JsonTextWriter json, FlushPolicy flush)
    {
        if (flush == FlushPolicy.Drop)
            Write(json, FieldNames.Flush, false);
    }
}

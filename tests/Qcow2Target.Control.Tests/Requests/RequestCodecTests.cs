using System.Text;
using Qcow2Target.Control.Errors;
using Qcow2Target.Control.Requests;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Control.Tests.Requests;

public sealed class RequestCodecTests(ITestOutputHelper output)
{
    private const string Name = "iqn.nx.2018.com:arms:rpi1";

    public static TheoryData<string, ControlRequest> Lines => new()
    {
        { """{"type":"ATTACH","command":{"disk_path":"/tmp/disks/test.qcow2","target_name":"iqn.nx.2018.com:arms:rpi1"}}""", new AttachRequest(Name, "/tmp/disks/test.qcow2") },
        { """{"type":"ATTACH","command":{"disk_path":"a","target_name":"iqn.nx.2018.com:arms:rpi1","lun_id":7,"serial":"S1"}}""", new AttachRequest(Name, "a", 7, "S1") },
        { """{"type":"ATTACH","command":{"disk_path":"a","target_name":"iqn.nx.2018.com:arms:rpi1","read_only":true}}""", new AttachRequest(Name, "a", Access: DiskAccess.ReadOnly) },
        { """{"type":"ATTACH","command":{"disk_path":"a","target_name":"iqn.nx.2018.com:arms:rpi1","detect_zeroes":true}}""", new AttachRequest(Name, "a", Zeroes: ZeroPolicy.Unmap) },
        { """{"type":"ATTACH","command":{"disk_path":"a","target_name":"iqn.nx.2018.com:arms:rpi1","removable":true,"physical_block_size":512}}""", new AttachRequest(Name, "a", Medium: DiskMedium.Removable, PhysicalBlockSize: 512) },
        { """{"type":"ATTACH","command":{"disk_path":"a","target_name":"iqn.nx.2018.com:arms:rpi1","discard_pending":true}}""", new AttachRequest(Name, "a", Pending: PendingPolicy.Discard) },
        { """{"type":"DETACHLUN","command":{"lun_id":1,"target_name":"iqn.nx.2018.com:arms:rpi1"}}""", new DetachLunRequest(Name, 1) },
        { """{"type":"DETACHLUN","command":{"lun_id":1,"target_name":"iqn.nx.2018.com:arms:rpi1","flush":false}}""", new DetachLunRequest(Name, 1, FlushPolicy.Drop) },
        { """{"type":"ADDTARGET","command":{"target_name":"iqn.nx.2018.com:arms:rpi1"}}""", new AddTargetRequest(Name) },
        { """{"type":"DELETETARGET","command":{"target_name":"iqn.nx.2018.com:arms:rpi1"}}""", new DeleteTargetRequest(Name) },
        { """{"type":"DELETETARGET","command":{"target_name":"iqn.nx.2018.com:arms:rpi1","force":true}}""", new DeleteTargetRequest(Name, SessionPolicy.EndSessions) },
        { """{"type":"CLEARTARGET","command":{"target_name":"iqn.nx.2018.com:arms:rpi1"}}""", new ClearTargetRequest(Name) },
        { """{"type":"CLEARTARGET","command":{"target_name":"iqn.nx.2018.com:arms:rpi1","force":true,"flush":false}}""", new ClearTargetRequest(Name, SessionPolicy.EndSessions, FlushPolicy.Drop) },
        { """{"type":"LIST","command":{}}""", new ListRequest() },
        { """{"type":"LIST","command":{"details":true}}""", new ListRequest(null, ListDetail.Full) },
        { """{"type":"LIST","command":{"target_name":"iqn.nx.2018.com:arms:rpi1","details":true}}""", new ListRequest(Name, ListDetail.Full) },
        { """{"type":"CHECK","command":{"target_name":"iqn.nx.2018.com:arms:rpi1","lun_id":1}}""", new CheckDiskRequest("iqn.nx.2018.com:arms:rpi1", 1) },
        { """{"type":"RESIZE","command":{"target_name":"iqn.nx.2018.com:arms:rpi1","lun_id":1,"size":1073741824}}""", new ResizeRequest(Name, 1, 1 << 30) },
    };

    [Theory]
    [MemberData(nameof(Lines))]
    public void Line_of_the_contract_is_read_and_written(string line, ControlRequest request)
    {
        Assert.Equal(request, Read(line));
        Assert.Equal(line + "\n", Encoding.UTF8.GetString(RequestCodec.Encode(request)));
    }

    [Theory]
    [InlineData("""{"command":{"target_name":"iqn.a"},"type":"ADDTARGET"}""")]
    [InlineData("""{ "id": [1, {"deep": [2]}], "type" : "ADDTARGET", "command": { "target_name" : "iqn.a" }, "version": 2, "version": 3 }""")]
    [InlineData("""{"type":"ADDTARGET","command":{"target_name":"iqn.\u0061"}}""")]
    [InlineData("""{"type":"\u0041DDTARGET","command":{"\u0074arget_name":"iqn.a"}}""")]
    public void Order_spaces_escapes_and_unknown_top_level_fields_do_not_matter(string line) =>
        Assert.Equal(new AddTargetRequest("iqn.a"), Read(line));

    [Theory]
    [InlineData("""{"type":"LIST"}""")]
    [InlineData("""{"type":"LIST","command":null}""")]
    [InlineData("""{"type":"LIST","command":{}}""")]
    [InlineData("""{"type":"LIST","command":""}""")]
    [InlineData("""{"type":"LIST","command":[{"details":true}]}""")]
    [InlineData("""{"type":"LIST","command":{"whatever":{"is":"sent"},"details":false}}""")]
    public void List_takes_any_command(string line) => Assert.Equal(new ListRequest(), Read(line));

    [Fact]
    public void List_of_one_target_has_details_unless_told_otherwise()
    {
        Assert.Equal(new ListRequest("iqn.a", ListDetail.Full), Read("""{"type":"LIST","command":{"target_name":"iqn.a"}}"""));
        Assert.Equal(new ListRequest("iqn.a"), Read("""{"type":"LIST","command":{"target_name":"iqn.a","details":false}}"""));
    }

    [Theory]
    [InlineData("""{"type":"ATTACH","command":{"disk_path":"a","target_name":"iqn.a","lun_id":null,"serial":null,"detect_zeroes":null}}""")]
    [InlineData("""{"type":"ATTACH","command":{"disk_path":"a","target_name":"iqn.a","detect_zeroes":false}}""")]
    public void Optional_field_that_is_null_counts_as_left_out(string line) => Assert.Equal(new AttachRequest("iqn.a", "a"), Read(line));

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("hello")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\"LIST\"")]
    [InlineData("17")]
    [InlineData("""{"type":"LIST"} {"type":"LIST"}""")]
    [InlineData("""{"type":"LIST",}""")]
    [InlineData("""{'type':'LIST'}""")]
    [InlineData("""{type:"LIST"}""")]
    [InlineData("""{"type":"LIST"/* why not */}""")]
    [InlineData("""{"type":"LIST","command":NaN}""")]
    [InlineData("""{"type":"LIST","command":0x10}""")]
    [InlineData("""{"type":"LIST","command":undefined}""")]
    [InlineData("{\"type\":\"LIST\",\"a\":\"\t\"}")]
    [InlineData("\uFEFF{\"type\":\"LIST\"}")]
    [InlineData("""{"type":"ADDTARGET","command":{"target_name":"iqn.\ud800"}}""")]
    [InlineData("""{"type":"LIST","\udc00":1}""")]
    public void What_is_not_strict_json_is_refused(string line) => Assert.Equal(ErrorCodes.InvalidJson, Refuse(line).Code);

    [Fact]
    public void Bytes_that_are_not_utf8_are_refused()
    {
        byte[] line = [.. """{"type":"LIST","x":" """u8, 0xC3, 0x28, .. "\"}"u8];
        RequestOutcome outcome = RequestCodec.Parse(line);
        Assert.Equal(ErrorCodes.InvalidJson, outcome.Error?.Code);
        Assert.Contains("UTF-8", outcome.Error?.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{}""", ErrorCodes.MissingField, "'type'")]
    [InlineData("""{"command":{}}""", ErrorCodes.MissingField, "'type'")]
    [InlineData("""{"Type":"LIST"}""", ErrorCodes.MissingField, "'type'")]
    [InlineData("""{"type":7}""", ErrorCodes.WrongType, "'type'")]
    [InlineData("""{"type":null}""", ErrorCodes.WrongType, "not null")]
    [InlineData("""{"type":["LIST"]}""", ErrorCodes.WrongType, "an array")]
    [InlineData("""{"type":"LIST","type":"LIST"}""", ErrorCodes.DuplicateField, "'type'")]
    [InlineData("""{"type":"LIST","command":{},"command":{}}""", ErrorCodes.DuplicateField, "'command'")]
    [InlineData("""{"type":"LIST","command":1,"command":{}}""", ErrorCodes.DuplicateField, "'command'")]
    [InlineData("""{"type":"list"}""", ErrorCodes.UnknownRequest, "'list'")]
    [InlineData("""{"type":"SHRINK","command":{}}""", ErrorCodes.UnknownRequest, "ATTACH, DETACHLUN")]
    [InlineData("""{"type":"CHECK","command":{"target_name":"iqn.a"}}""", ErrorCodes.MissingField, "'lun_id'")]
    [InlineData("""{"type":"RESIZE","command":{"target_name":"iqn.a","lun_id":0}}""", ErrorCodes.MissingField, "'size'")]
    [InlineData("""{"type":"RESIZE","command":{"target_name":"iqn.a","size":512}}""", ErrorCodes.MissingField, "'lun_id'")]
    [InlineData("""{"type":"RESIZE","command":{"target_name":"iqn.a","lun_id":0,"size":"10G"}}""", ErrorCodes.WrongType, "'size'")]
    [InlineData("""{"type":"RESIZE","command":{"target_name":"iqn.a","lun_id":0,"size":512,"shrink":true}}""", ErrorCodes.UnknownField, "'shrink'")]
    [InlineData("""{"type":"EMPTY","command":{}}""", ErrorCodes.UnknownRequest, "'EMPTY'")]
    [InlineData("""{"type":"ADDTARGET"}""", ErrorCodes.MissingField, "'command'")]
    [InlineData("""{"type":"ADDTARGET","command":null}""", ErrorCodes.WrongType, "an object, not null")]
    [InlineData("""{"type":"ADDTARGET","command":"iqn.a"}""", ErrorCodes.WrongType, "an object, not a string")]
    [InlineData("""{"type":"ADDTARGET","command":{}}""", ErrorCodes.MissingField, "'target_name'")]
    [InlineData("""{"type":"ADDTARGET","command":{"target_name":1}}""", ErrorCodes.WrongType, "a string, not an integer")]
    [InlineData("""{"type":"ADDTARGET","command":{"target_name":null}}""", ErrorCodes.WrongType, "not null")]
    [InlineData("""{"type":"ADDTARGET","command":{"target_name":"iqn.a","target_name":"iqn.b"}}""", ErrorCodes.DuplicateField, "'target_name'")]
    [InlineData("""{"type":"ADDTARGET","command":{"target_name":"iqn.a","force":true}}""", ErrorCodes.UnknownField, "ADDTARGET has no field 'force'")]
    [InlineData("""{"type":"ADDTARGET","command":{"target-name":"iqn.a"}}""", ErrorCodes.UnknownField, "'target-name'")]
    [InlineData("""{"type":"ATTACH","command":{"target_name":"iqn.a"}}""", ErrorCodes.MissingField, "'disk_path'")]
    [InlineData("""{"type":"ATTACH","command":{"disk_path":"a"}}""", ErrorCodes.MissingField, "'target_name'")]
    [InlineData("""{"type":"ATTACH","command":{"disk_path":"a","target_name":"iqn.a","lun_id":"1"}}""", ErrorCodes.WrongType, "'lun_id'")]
    [InlineData("""{"type":"ATTACH","command":{"disk_path":"a","target_name":"iqn.a","write_only":true}}""", ErrorCodes.UnknownField, "'write_only'")]
    [InlineData("""{"type":"ATTACH","command":{"disk_path":"a","target_name":"iqn.a","discard_pending":1}}""", ErrorCodes.WrongType, "'discard_pending'")]
    [InlineData("""{"type":"ATTACH","command":{"disk_path":"a","target_name":"iqn.a","serial":5}}""", ErrorCodes.WrongType, "'serial'")]
    [InlineData("""{"type":"ATTACH","command":{"disk_path":"a","target_name":"iqn.a","detect_zeroes":"unmap"}}""", ErrorCodes.WrongType, "'detect_zeroes'")]
    [InlineData("""{"type":"DETACHLUN","command":{"target_name":"iqn.a"}}""", ErrorCodes.MissingField, "'lun_id'")]
    [InlineData("""{"type":"DETACHLUN","command":{"lun_id":1.0,"target_name":"iqn.a"}}""", ErrorCodes.WrongType, "not a fraction")]
    [InlineData("""{"type":"DETACHLUN","command":{"lun_id":9223372036854775808,"target_name":"iqn.a"}}""", ErrorCodes.WrongType, "64 bits")]
    [InlineData("""{"type":"DETACHLUN","command":{"lun_id":true,"target_name":"iqn.a"}}""", ErrorCodes.WrongType, "not a boolean")]
    [InlineData("""{"type":"CLEARTARGET","command":{"target_name":"iqn.a","force":"true"}}""", ErrorCodes.WrongType, "'force'")]
    [InlineData("""{"type":"CLEARTARGET","command":{"target_name":"iqn.a","flush":0}}""", ErrorCodes.WrongType, "'flush'")]
    [InlineData("""{"type":"LIST","command":{"details":"yes"}}""", ErrorCodes.WrongType, "'details'")]
    public void What_is_no_request_is_refused_by_name(string line, string code, string part)
    {
        ControlError error = Refuse(line);
        Assert.Equal(code, error.Code);
        Assert.Contains(part, error.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Nesting_is_bounded()
    {
        Assert.IsType<ListRequest>(Read(Nested(ControlLimits.MaxJsonDepth - 1)));
        ControlError error = Refuse(Nested(ControlLimits.MaxJsonDepth));
        Assert.Equal(ErrorCodes.InvalidJson, error.Code);
        Assert.Contains("32", error.Text, StringComparison.Ordinal);
        Assert.Equal(ErrorCodes.InvalidJson, Refuse(new string('[', ControlLimits.MaxLineBytes)).Code);

        static string Nested(int arrays) => "{\"type\":\"LIST\",\"x\":" + new string('[', arrays) + new string(']', arrays) + "}";
    }

    [Fact]
    public void Number_of_a_thousand_digits_is_refused_quietly() =>
        Assert.Equal(ErrorCodes.InvalidJson, Refuse("{\"type\":\"DETACHLUN\",\"command\":{\"lun_id\":" + new string('9', 1000) + ",\"target_name\":\"a\"}}").Code);

    [Fact]
    public void Line_over_the_limit_is_refused() =>
        Assert.Equal(ErrorCodes.LineTooLong, Refuse("{\"type\":\"LIST\"}" + new string(' ', ControlLimits.MaxLineBytes)).Code);

    [Fact]
    public void Error_does_not_send_back_a_megabyte()
    {
        ControlError error = Refuse($$"""{"type":"{{new string('x', 900_000)}}"}""");
        Assert.Equal(ErrorCodes.UnknownRequest, error.Code);
        Assert.InRange(error.Text.Length, 1, ControlLimits.MaxErrorTextLength);
        Assert.All(error.Facts, fact => Assert.InRange(fact.Value.ToString()!.Length, 1, ControlLimits.MaxErrorTextLength));
    }

    [Fact]
    public void Any_bytes_end_in_a_request_or_an_error()
    {
        var random = new RandomSource(output.WriteLine);
        byte[][] samples = [.. Lines.Select(row => Encoding.UTF8.GetBytes((string)((object[])row)[0]))];
        for (int round = 0; round < 20_000; round++)
        {
            byte[] line = [.. samples[random.Next(samples.Length)]];
            for (int change = random.Next(1, 5); change > 0; change--)
                line[random.Next(line.Length)] = (byte)random.Next(256);
            ReadOnlySpan<byte> cut = line.AsSpan(0, random.Next(line.Length + 1));
            RequestOutcome outcome = RequestCodec.Parse(cut);
            Assert.True(outcome.IsRequest != outcome.Error is not null, $"seed {random.Seed}, round {round}: {Encoding.Latin1.GetString(cut)}");
        }
    }

    private static ControlRequest Read(string line)
    {
        RequestOutcome outcome = RequestCodec.Parse(Encoding.UTF8.GetBytes(line));
        Assert.True(outcome.IsRequest, $"refused: {outcome.Error}");
        return outcome.Request;
    }

    private static ControlError Refuse(string line)
    {
        RequestOutcome outcome = RequestCodec.Parse(Encoding.UTF8.GetBytes(line));
        Assert.False(outcome.IsRequest, $"taken as {outcome.Request}");
        return outcome.Error;
    }
}

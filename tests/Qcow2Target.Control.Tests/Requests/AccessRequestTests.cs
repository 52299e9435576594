using System.Text;
using Qcow2Target.Control.Errors;
using Qcow2Target.Control.Requests;

namespace Qcow2Target.Control.Tests.Requests;

/// <summary>Who may use a target, in ADDTARGET and SETACCESS.</summary>
public sealed class AccessRequestTests
{
    private const string Whole = """
        {"type":"SETACCESS","command":{"target_name":"iqn.a","chap":[{"name":"board","secret":"twelve bytes"}],"mutual_chap":[{"name":"we","secret":"twelve other"}],"initiators":["iqn.b:*"],"networks":["192.0.2.0/24"]}}
        """;

    [Fact]
    public void All_conditions_are_read_and_written()
    {
        var request = Assert.IsType<SetAccessRequest>(Read(Whole));
        Assert.Equal("iqn.a", request.TargetName);
        Assert.Equal([new ChapUser("board", "twelve bytes")], request.Access.Chap);
        Assert.Equal([new ChapUser("we", "twelve other")], request.Access.MutualChap);
        Assert.Equal(["iqn.b:*"], request.Access.Initiators);
        Assert.Equal(["192.0.2.0/24"], request.Access.Networks);
        Assert.Null(request.FindFault());
        Assert.Equal(Whole.Trim(), Encoding.UTF8.GetString(RequestCodec.Encode(request)).Trim());
    }

    [Fact]
    public void What_is_left_out_stays_and_what_is_null_or_empty_goes()
    {
        var access = Assert.IsType<SetAccessRequest>(Read("""{"type":"SETACCESS","command":{"target_name":"iqn.a","chap":null,"networks":[]}}""")).Access;
        Assert.Empty(access.Chap!);
        Assert.Empty(access.Networks!);
        Assert.Null(access.Initiators);
        Assert.Null(access.MutualChap);
    }

    [Fact]
    public void One_user_need_not_be_a_list()
    {
        var request = Assert.IsType<AddTargetRequest>(Read("""{"type":"ADDTARGET","command":{"target_name":"iqn.a","chap":{"name":"n","secret":"long enough."}}}"""));
        Assert.Equal([new ChapUser("n", "long enough.")], request.Access!.Chap);
        Assert.Null(Assert.IsType<AddTargetRequest>(Read("""{"type":"ADDTARGET","command":{"target_name":"iqn.a"}}""")).Access);
    }

    [Theory]
    [InlineData("\"chap\":[{\"name\":\"a\"}]", ErrorCodes.MissingField, "chap.secret")]
    [InlineData("\"chap\":[{\"name\":\"a\",\"secret\":\"long enough.\",\"password\":\"\"}]", ErrorCodes.UnknownField, "password")]
    [InlineData("\"chap\":\"a\"", ErrorCodes.WrongType, "'chap'")]
    [InlineData("\"chap\":[\"a\"]", ErrorCodes.WrongType, "'chap'")]
    [InlineData("\"initiators\":\"iqn.a\"", ErrorCodes.WrongType, "'initiators'")]
    [InlineData("\"networks\":[1]", ErrorCodes.WrongType, "'networks'")]
    [InlineData("\"network\":[]", ErrorCodes.UnknownField, "'network'")]
    public void A_wrong_form_is_named(string field, string code, string inText)
    {
        var outcome = RequestCodec.Parse(Encoding.UTF8.GetBytes($$$"""{"type":"SETACCESS","command":{"target_name":"iqn.a",{{{field}}}}}"""));
        Assert.Equal(code, outcome.Error!.Code);
        Assert.Contains(inText, outcome.Error.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"chap\":[{\"name\":\"a\",\"secret\":\"too short\"}]", "12 to 255")]
    [InlineData("\"chap\":[{\"name\":\"\",\"secret\":\"long enough.\"}]", "CHAP name")]
    [InlineData("\"chap\":[{\"name\":\"name\\n\",\"secret\":\"long enough a secret\"}]", "CHAP name")]
    [InlineData("\"chap\":[{\"name\":\"a\",\"secret\":\"long enough.\"},{\"name\":\"a\",\"secret\":\"also long enough\"}]", "twice")]
    [InlineData("\"mutual_chap\":[{\"name\":\"a\",\"secret\":\"long enough.\"},{\"name\":\"b\",\"secret\":\"also long enough\"}]", "one user")]
    [InlineData("\"initiators\":[\"\"]", "initiator name")]
    [InlineData("\"networks\":[\"192.0.2.1\"]", "192.0.2.1")]
    [InlineData("\"networks\":[\"example.com/24\"]", "example.com")]
    public void A_value_that_cannot_be_is_named_without_its_secret(string field, string inText)
    {
        var fault = Read($$$"""{"type":"SETACCESS","command":{"target_name":"iqn.a",{{{field}}}}}""").FindFault();
        Assert.Equal(ErrorCodes.InvalidAccess, fault!.Code);
        Assert.Contains(inText, fault.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("too short", fault.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void No_text_of_a_request_shows_a_secret() => Assert.DoesNotContain("twelve bytes", Read(Whole).ToString(), StringComparison.Ordinal);

    private static ControlRequest Read(string line)
    {
        var outcome = RequestCodec.Parse(Encoding.UTF8.GetBytes(line));
        Assert.True(outcome.Request is not null, outcome.Error?.Text);
        return outcome.Request!;
    }
}

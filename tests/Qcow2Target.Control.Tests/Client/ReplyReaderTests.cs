using System.Text;
using Qcow2Target.Control.Client;
using Qcow2Target.Control.Errors;
using Qcow2Target.Control.Replies;
using Qcow2Target.Control.Requests;

namespace Qcow2Target.Control.Tests.Client;

public sealed class ReplyReaderTests
{
    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"error":"","result":{}}""")]
    [InlineData("""{"error":"","result":[]}""")]
    [InlineData("""{"error":null,"result":{"lun_id":1}}""")]
    [InlineData("""{"error":"","result":{"lun_id":null}}""")]
    [InlineData("""{"error":"","result":{"lun_id":"one"}}""")]
    [InlineData("""{"error":"","result":{"lun_id":99999999999}}""")]
    [InlineData("""{"error":"","result":{"lun_id":[1]}}""")]
    public void Reply_that_is_none_is_refused(string line)
    {
        var fault = Assert.Throws<ControlClientException>(() => ReplyReader.Read(new AttachRequest("iqn.a", "a"), Encoding.UTF8.GetBytes(line)));
        Assert.Equal(ControlClientError.MalformedReply, fault.Error);
    }

    [Theory]
    [InlineData("""{"error":"","result":{"iqn.a":7}}""")]
    [InlineData("""{"error":"","result":{"iqn.a":{"target_id":1,"logical_units":[7],"it_nexuses":[]}}}""")]
    [InlineData("""{"error":"","result":{"iqn.a":{"target_id":1,"logical_units":[],"it_nexuses":[null]}}}""")]
    [InlineData("""{"error":"","result":{"iqn.a":{"target_id":1,"logical_units":{},"it_nexuses":[]}}}""")]
    public void List_that_is_none_is_refused(string line) =>
        Assert.Throws<ControlClientException>(() => ReplyReader.Read(new ListRequest(), Encoding.UTF8.GetBytes(line)));

    [Fact]
    public void Fields_of_a_newer_daemon_are_ignored()
    {
        const string line = """{"error":"","result":{"iqn.a":{"target_id":1,"alias":"x","logical_units":[{"logical_unit_id":0,"state":"asleep","new":{}}],"has_connections":false,"it_nexuses":[]}},"Type":"LIST","took_ms":3}""";
        var list = (ListReply)ReplyReader.Read(new ListRequest(), Encoding.UTF8.GetBytes(line));
        LunListing lun = Assert.Single(Assert.Single(list.Targets).LogicalUnits);
        Assert.Equal("", lun.FilePath);
        Assert.NotEqual(LunState.Ready, lun.State);
    }

    [Fact]
    public void Failure_keeps_code_text_and_facts()
    {
        const string line = """{"error":"LUN id 3 is taken","result":{"code":"lun_id_in_use","lun_id":3,"holder":"x","list":[1]},"Type":"EMPTY"}""";
        var failure = (FailureReply)ReplyReader.Read(new ListRequest(), Encoding.UTF8.GetBytes(line));
        Assert.Equal(("lun_id_in_use", "LUN id 3 is taken"), (failure.Error.Code, failure.Error.Text));
        Assert.Equal([ErrorFact.Of("lun_id", 3), ErrorFact.Of("holder", "x")], failure.Error.Facts);
    }

    [Fact]
    public void Failure_without_a_code_is_still_a_failure()
    {
        var failure = (FailureReply)ReplyReader.Read(new ListRequest(), """{"error":"no","result":{}}"""u8);
        Assert.Equal("no", failure.Error.Text);
    }
}

using System.Text;
using Qcow2Target.Control.Client;
using Qcow2Target.Control.Errors;
using Qcow2Target.Control.Replies;
using Qcow2Target.Control.Requests;

namespace Qcow2Target.Control.Tests.Replies;

/// <summary>Golden lines: the order of fields, the spelling and the absence of spaces are part of the contract.</summary>
public sealed class ReplyCodecTests
{
    private static readonly TargetListing Rack = new(
        "iqn.nx.2018.com:arms:rpi1",
        1,
        [
            new LunListing(0, "/disks/a.qcow2", LunState.Ready, new LunDetails("S1", 1 << 30, null, ["/disks/b.qcow2"], DetectsZeroes: true)),
            new LunListing(3, "/disks/c.qcow2", LunState.Degraded, new LunDetails(StateReason: "the disk is gone")),
        ],
        ["iqn.1993-08.org.debian:01:x,i,0x00023d000001,iqn.nx.2018.com:arms:rpi1,t,0x0001"]);

    private static readonly TargetListing Idle = new("iqn.idle", 2, [], []);

    public static TheoryData<ControlReply, string> Golden => new()
    {
        { new AttachReply(2), """{"error":"","result":{"lun_id":2},"Type":"ATTACH"}""" },
        { new DetachLunReply("/var/sample/disk.qcow2"), """{"error":"","result":{"file_path":"/var/sample/disk.qcow2"},"Type":"DETACHLUN"}""" },
        { EmptyReply.Instance, """{"error":"","result":{},"Type":"EMPTY"}""" },
        { new ClearTargetReply(["/var/tmp/disk.qcow2", "/b"]), """{"error":"","result":{"freed_logical_unit_paths":["/var/tmp/disk.qcow2","/b"]},"Type":"CLEARTARGET"}""" },
        { new ClearTargetReply([]), """{"error":"","result":{"freed_logical_unit_paths":[]},"Type":"CLEARTARGET"}""" },
        { new CheckReply("leaks", 0, 2, ["one", "two"]), """{"error":"","result":{"outcome":"leaks","errors":0,"leaks":2,"findings":["one","two"]},"Type":"CHECK"}""" },
        { new ResizeReply(1L << 40), """{"error":"","result":{"size":1099511627776},"Type":"RESIZE"}""" },
        { new ListReply([], ListDetail.Contract), """{"error":"","result":{},"Type":"LIST"}""" },
        {
            new ListReply([Rack, Idle], ListDetail.Contract),
            """{"error":"","result":{"iqn.nx.2018.com:arms:rpi1":{"target_id":1,"logical_units":[{"logical_unit_id":0,"file_path":"/disks/a.qcow2"},{"logical_unit_id":3,"file_path":"/disks/c.qcow2","state":"degraded"}],"has_connections":true,"it_nexuses":["iqn.1993-08.org.debian:01:x,i,0x00023d000001,iqn.nx.2018.com:arms:rpi1,t,0x0001"]},"iqn.idle":{"target_id":2,"logical_units":[],"has_connections":false,"it_nexuses":[]}},"Type":"LIST"}"""
        },
        {
            new ListReply([Rack], ListDetail.Full),
            """{"error":"","result":{"iqn.nx.2018.com:arms:rpi1":{"target_id":1,"logical_units":[{"logical_unit_id":0,"file_path":"/disks/a.qcow2","state":"ready","serial":"S1","size_bytes":1073741824,"backing_paths":["/disks/b.qcow2"],"detect_zeroes":true},{"logical_unit_id":3,"file_path":"/disks/c.qcow2","state":"degraded","state_reason":"the disk is gone"}],"has_connections":true,"it_nexuses":["iqn.1993-08.org.debian:01:x,i,0x00023d000001,iqn.nx.2018.com:arms:rpi1,t,0x0001"]}},"Type":"LIST"}"""
        },
        {
            new ListReply([Idle with { ItNexuses = ["a", "b"], Unresponsive = ["b"] }], ListDetail.Full),
            """{"error":"","result":{"iqn.idle":{"target_id":2,"logical_units":[],"has_connections":true,"it_nexuses":["a","b"],"unresponsive_nexuses":["b"]}},"Type":"LIST"}"""
        },
        { new FailureReply(ControlErrors.TargetNotFound("iqn.x")), """{"error":"target does not exist","result":{"code":"target_not_found","target_name":"iqn.x"},"Type":"EMPTY"}""" },
        { new FailureReply(ControlErrors.LunNotFound("iqn.x", 4)), """{"error":"logical unit not found","result":{"code":"lun_not_found","target_name":"iqn.x","lun_id":4},"Type":"EMPTY"}""" },
        { new FailureReply(ControlErrors.CannotShrink("/a", "it has 1024 bytes, 512 are asked for")), """{"error":"'/a' cannot be made smaller: it has 1024 bytes, 512 are asked for","result":{"code":"cannot_shrink","disk_path":"/a"},"Type":"EMPTY"}""" },
        { new FailureReply(ControlErrors.ShuttingDown()), """{"error":"the daemon is shutting down","result":{"code":"shutting_down"},"Type":"EMPTY"}""" },
    };

    [Theory]
    [MemberData(nameof(Golden))]
    public void Reply_is_written_as_the_contract_says(ControlReply reply, string line) =>
        Assert.Equal(line + "\n", Encoding.UTF8.GetString(ReplyCodec.Encode(reply)));

    [Theory]
    [MemberData(nameof(Golden))]
    public void Reply_that_the_client_read_is_written_as_it_came(ControlReply reply, string line)
    {
        ControlRequest request = reply switch
        {
            AttachReply => new AttachRequest("iqn.x", "a"),
            DetachLunReply => new DetachLunRequest("iqn.x", 4),
            ClearTargetReply => new ClearTargetRequest("iqn.x"),
            ResizeReply => new ResizeRequest("iqn.x", 4, 512),
            CheckReply => new CheckDiskRequest("iqn.x", 4),
            ListReply list => new ListRequest(null, list.Detail),
            _ => new AddTargetRequest("iqn.x"),
        };
        Assert.Equal(line + "\n", Encoding.UTF8.GetString(ReplyCodec.Encode(ReplyReader.Read(request, Encoding.UTF8.GetBytes(line)))));
    }

    [Fact]
    public void Line_feeds_in_a_path_stay_inside_the_line()
    {
        byte[] line = ReplyCodec.Encode(new DetachLunReply("/d/a\nb\u2028\"\u00e4"));
        Assert.Equal(line.Length - 1, Array.IndexOf(line, (byte)'\n'));
        Assert.Equal(new DetachLunReply("/d/a\nb\u2028\"\u00e4"), ReplyReader.Read(new DetachLunRequest("iqn.x", 0), line.AsSpan(0, line.Length - 1)));
    }

    [Fact]
    public void List_of_a_hundred_busy_targets_is_read_by_a_client_that_fails_over_64_KiB()
    {
        TargetListing[] targets =
        [
            .. Enumerable.Range(0, 100).Select(i => new TargetListing(
                $"iqn.nx.2018.com:arms:board-number-{i}",
                i,
                [new LunListing(0, $"/var/lib/qcow2target/disks/board-number-{i}.qcow2", LunState.Ready, new LunDetails("S", 1, null, ["/base"]))],
                [$"iqn.1993-08.org.debian:01:{i:x12},i,0x00023d000001,iqn.nx.2018.com:arms:board-number-{i},t,0x0001"])),
        ];
        Assert.InRange(ReplyCodec.Encode(new ListReply(targets, ListDetail.Contract)).Length, 1, 64 * 1024);
    }
}

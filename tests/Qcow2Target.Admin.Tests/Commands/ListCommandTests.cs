using Qcow2Target.Testing;

namespace Qcow2Target.Admin.Tests.Commands;

public sealed class ListCommandTests
{
    private const string Two =
        """{"error":"","result":{"iqn.rack:[red]":{"target_id":1,"logical_units":[{"logical_unit_id":0,"file_path":"/disks/a.qcow2"},{"logical_unit_id":3,"file_path":"/disks/[/].qcow2","state":"degraded"}],"has_connections":true,"it_nexuses":["iqn.host,i,0x1,i,0x00023d000001,iqn.rack,t,0x0001"]},"iqn.idle":{"target_id":2,"logical_units":[],"has_connections":false,"it_nexuses":[]}},"Type":"LIST"}""";

    private const string Detailed =
        """{"error":"","result":{"iqn.a":{"target_id":1,"logical_units":[{"logical_unit_id":0,"file_path":"/d/a","state":"faulted","state_reason":"disk is full","serial":"S1","size_bytes":1610612736,"backing_paths":["/d/b","/d/c"]}],"has_connections":false,"it_nexuses":[]}},"Type":"LIST"}""";

    [Fact]
    public async Task Targets_are_shown_as_a_table_with_a_row_for_each_lun()
    {
        using var server = FakeControlServer.Replying(Two);
        AdminRun run = await AdminRun.AgainstAsync(server, "list");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal(
            [
                ["Target", "LUN", "State", "Disk", "Initiators"],
                ["iqn.rack:[red]", "0", "ready", "/disks/a.qcow2", "iqn.host,i,0x1"],
                ["3", "degraded", "/disks/[/].qcow2"],
                ["iqn.idle", "-", "-", "-", "-"],
            ],
            Rows(run.Output));
        Assert.Equal(["""{"type":"LIST","command":{}}"""], server.Received);
    }

    [Theory]
    [InlineData("""{"type":"LIST","command":{"details":true}}""", "--details")]
    [InlineData("""{"type":"LIST","command":{"target_name":"iqn.a","details":true}}""", "-t", "iqn.a")]
    public async Task Details_are_shown_in_more_columns(string request, params string[] more)
    {
        using var server = FakeControlServer.Replying(Detailed);
        AdminRun run = await AdminRun.AgainstAsync(server, ["list", .. more]);
        Assert.All(["faulted: disk is full", "1.5 GiB", "S1", "/d/b", "/d/c"], part => Assert.Contains(part, run.Output, StringComparison.Ordinal));
        Assert.Equal([request], server.Received);
    }

    [Fact]
    public async Task Path_of_a_thousand_characters_stays_on_one_line()
    {
        string path = "/" + new string('x', 1000);
        using var server = FakeControlServer.Replying(Two.Replace("/disks/a.qcow2", path, StringComparison.Ordinal));
        Assert.Contains(path, (await AdminRun.AgainstAsync(server, "list")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Daemon_without_targets_is_no_empty_table()
    {
        using var server = FakeControlServer.Replying("""{"error":"","result":{},"Type":"LIST"}""");
        AdminRun run = await AdminRun.AgainstAsync(server, "list");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("addtarget", run.Output, StringComparison.Ordinal);
    }

    /// <summary>The cells of the rows, without the rule below the headings.</summary>
    private static List<string[]> Rows(string table) =>
    [
        .. table.Split('\n')
            .Where(line => line.Any(char.IsAsciiLetterOrDigit))
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)),
    ];
}

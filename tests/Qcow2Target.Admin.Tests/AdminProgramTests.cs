using System.Net.Sockets;
using Qcow2Target.Testing;

namespace Qcow2Target.Admin.Tests;

public sealed class AdminProgramTests
{
    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    [InlineData("help")]
    public async Task Help_names_every_verb(string argument)
    {
        AdminRun run = await AdminRun.OfAsync(argument);
        Assert.Equal(0, run.ExitCode);
        Assert.All(
            ["qcow2targetadmin", "addtarget", "deletetarget", "attach", "detachlun", "cleartarget", "list", "--socket", "/tmp/qcow2target.sock", "--json"],
            word => Assert.Contains(word, run.Output, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("attach", "-t", "--target_name", "--target-name", "-d", "--disk_path", "--disk-path", "-l", "--lun_id", "--lun-id")]
    [InlineData("detachlun", "-t", "--target_name", "--target-name", "-l", "--lun_id", "--lun-id")]
    public async Task Help_of_a_verb_names_its_options(string verb, params string[] options)
    {
        AdminRun run = await AdminRun.OfAsync(verb, "--help");
        Assert.Equal(0, run.ExitCode);
        Assert.All(options, option => Assert.Contains(option, run.Output, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Run_without_a_verb_says_which_there_are() =>
        Assert.Contains("addtarget, deletetarget, attach, detachlun, cleartarget, list", (await AdminRun.OfAsync()).FailedWithOneLine(), StringComparison.Ordinal);

    [Theory]
    [InlineData("'createandattach'", "createandattach", "-t", "iqn.a")]
    [InlineData("'--disk_path' is required", "attach", "-t", "iqn.a")]
    [InlineData("'--target_name' is required", "addtarget")]
    [InlineData("'--size'", "addtarget", "-t", "iqn.a", "--size", "10")]
    [InlineData("not 'one'", "detachlun", "-t", "iqn.a", "-l", "one")]
    [InlineData("not 'soon'", "list", "--timeout", "soon")]
    [InlineData("'-t'", "addtarget", "-t")]
    [InlineData("'-t'", "addtarget", "-t", "iqn.a", "-t", "iqn.b")]
    public async Task Wrong_command_line_is_told_in_one_line(string part, params string[] args)
    {
        string line = (await AdminRun.OfAsync(args)).FailedWithOneLine();
        Assert.Contains(part, line, StringComparison.Ordinal);
        Assert.Contains("--help", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Daemon_that_does_not_run_is_told_with_what_to_do()
    {
        using var directory = new TempDirectory();
        string path = directory["control.sock"];
        string line = (await AdminRun.OfAsync("list", "--socket", path)).FailedWithOneLine();
        Assert.Contains(path, line, StringComparison.Ordinal);
        Assert.Contains("start the daemon", line, StringComparison.Ordinal);
        using var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        dead.Bind(new UnixDomainSocketEndPoint(path));
        Assert.Contains("start the daemon", (await AdminRun.OfAsync("list", "--socket", path)).FailedWithOneLine(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Daemon_that_does_not_answer_is_told()
    {
        using var server = FakeControlServer.Silent();
        string line = (await AdminRun.AgainstAsync(server, "list", "--timeout", "0.05")).FailedWithOneLine();
        Assert.Contains("within 0.1 s", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Daemon_that_closes_is_told()
    {
        using var server = new FakeControlServer(_ => null);
        Assert.Contains("closed", (await AdminRun.AgainstAsync(server, "list")).FailedWithOneLine(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ctrl_c_is_told_in_one_line()
    {
        using var server = FakeControlServer.Silent();
        using var interrupt = new CancellationTokenSource();
        var error = new StringWriter();
        Task<int> run = AdminProgram.RunAsync(["list", "--socket", server.SocketPath], TextWriter.Null, error, interrupt.Token);
        await Eventually.That(() => server.Received.Count == 1);
        await interrupt.CancelAsync();
        Assert.Equal(1, await run);
        Assert.Contains("interrupted", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("target does not exist", "target_not_found", "list")]
    [InlineData("logical unit not found", "lun_not_found", "list")]
    [InlineData("target has active iscsi connection", "target_connected", "--force")]
    [InlineData("can't remove target which has logical units attached", "target_has_luns", "cleartarget")]
    [InlineData("something else", "a_code_of_a_newer_daemon", "")]
    public async Task Error_of_the_daemon_is_printed_with_what_to_do_next(string text, string code, string advice)
    {
        using var server = FakeControlServer.Replying($$"""{"error":"{{text}}","result":{"code":"{{code}}"},"Type":"EMPTY"}""");
        string line = (await AdminRun.AgainstAsync(server, "cleartarget", "-t", "iqn.a")).FailedWithOneLine();
        Assert.Contains(text, line, StringComparison.Ordinal);
        Assert.Contains(advice, line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_prints_the_reply_as_it_came()
    {
        const string reply = """{"error":"","result":{"lun_id":2,"new":[1]},"Type":"ATTACH"}""";
        using var server = FakeControlServer.Replying(reply);
        Assert.Equal(new AdminRun(0, reply + "\n", ""), await AdminRun.AgainstAsync(server, "attach", "-t", "iqn.a", "-d", "a", "--json"));
        Assert.Equal(new AdminRun(0, reply + "\n", ""), await AdminRun.AgainstAsync(server, "--json", "attach", "-t", "iqn.a", "-d", "a"));
    }

    [Fact]
    public async Task Json_of_a_failure_is_printed_too_and_the_exit_code_is_1()
    {
        const string reply = """{"error":"target does not exist","result":{"code":"target_not_found"},"Type":"EMPTY"}""";
        using var server = FakeControlServer.Replying(reply);
        AdminRun run = await AdminRun.AgainstAsync(server, "deletetarget", "-t", "iqn.a", "--json");
        Assert.Equal((1, reply + "\n"), (run.ExitCode, run.Output));
        Assert.Contains("target does not exist", run.Error, StringComparison.Ordinal);
    }

    /// <summary>Whatever spelling a script uses, the daemon gets the same line.</summary>
    [Theory]
    [InlineData("-t", "iqn.2018.com:a=b", "-d", "@x y.qcow2")]
    [InlineData("-t=iqn.2018.com:a=b", "-d=@x y.qcow2")]
    [InlineData("--target_name", "iqn.2018.com:a=b", "--disk_path", "@x y.qcow2")]
    [InlineData("--target_name=iqn.2018.com:a=b", "--disk_path=@x y.qcow2")]
    [InlineData("--target-name=iqn.2018.com:a=b", "--disk-path", "@x y.qcow2")]
    [InlineData("--disk-path=@x y.qcow2", "--target-name", "iqn.2018.com:a=b")]
    public async Task Option_is_taken_in_every_spelling(params string[] options)
    {
        using var server = FakeControlServer.Replying("""{"error":"","result":{"lun_id":0},"Type":"ATTACH"}""");
        AdminRun run = await AdminRun.AgainstAsync(server, ["attach", .. options]);
        Assert.Equal(new AdminRun(0, "0\n", ""), run);
        Assert.Equal(["""{"type":"ATTACH","command":{"disk_path":"@x y.qcow2","target_name":"iqn.2018.com:a=b"}}"""], server.Received);
    }
}

using System.Text;
using Newtonsoft.Json.Linq;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>The six requests of the contract: each line is said in full, and so is the line that answers it.</summary>
public sealed class ControlSocketTests : IAsyncLifetime
{
    private const string Empty = """{"error":"","result":{},"Type":"EMPTY"}""";
    private DaemonProcess? _started;
    private ControlConnection? _opened;

    private DaemonProcess Daemon => _started!;
    private ControlConnection Control => _opened!;

    public async Task InitializeAsync()
    {
        _started = await DaemonProcess.StartAsync();
        _opened = await ControlConnection.OpenAsync(Daemon);
        foreach (string name in new[] { "a", "b", "c" }) QemuImg.Create(Daemon.Disk($"{name}.qcow2"), 1 << 20);
    }

    public async Task DisposeAsync()
    {
        await Control.DisposeAsync();
        await Daemon.EndCleanlyAsync();
    }

    [Fact]
    public async Task Every_success_has_its_reply()
    {
        string disks = Daemon.Disks;
        await SayAsync("""{"type":"LIST"}""", """{"error":"","result":{},"Type":"LIST"}""");
        await SayAsync("""{"type":"ADDTARGET","command":{"target_name":"iqn.2018-05.local:Board.1"}}""", Empty);
        await SayAsync("""{"type":"ADDTARGET","command":{"target_name":"iqn.nx.2018.com:arms:rpi_2"}}""", Empty);
        await SayAsync(
            """{"type":"ATTACH","command":{"disk_path":"a.qcow2","target_name":"iqn.2018-05.local:Board.1"}}""",
            """{"error":"","result":{"lun_id":0},"Type":"ATTACH"}""");
        await SayAsync(
            $$$"""{"type":"ATTACH","command":{"disk_path":"{{{disks}}}/b.qcow2","target_name":"iqn.2018-05.local:board.1"}}""",
            """{"error":"","result":{"lun_id":1},"Type":"ATTACH"}""");
        await SayAsync(
            """{"type":"ATTACH","command":{"disk_path":"c.qcow2","target_name":"iqn.nx.2018.com:arms:rpi_2","lun_id":7}}""",
            """{"error":"","result":{"lun_id":7},"Type":"ATTACH"}""");
        await SayAsync(
            """{"type":"LIST","command":{}}""",
            $$$"""
            {"error":"","result":{"iqn.2018-05.local:Board.1":{"target_id":1,"logical_units":[{"logical_unit_id":0,"file_path":"{{{disks}}}/a.qcow2"},
            {"logical_unit_id":1,"file_path":"{{{disks}}}/b.qcow2"}],"has_connections":false,"it_nexuses":[]},
            "iqn.nx.2018.com:arms:rpi_2":{"target_id":2,"logical_units":[{"logical_unit_id":7,"file_path":"{{{disks}}}/c.qcow2"}],
            "has_connections":false,"it_nexuses":[]}},"Type":"LIST"}
            """.ReplaceLineEndings(""));
        await SayAsync(
            """{"type":"DETACHLUN","command":{"lun_id":0,"target_name":"iqn.2018-05.local:Board.1"}}""",
            $$$"""{"error":"","result":{"file_path":"{{{disks}}}/a.qcow2"},"Type":"DETACHLUN"}""");
        await SayAsync(
            """{"type":"ATTACH","command":{"disk_path":"a.qcow2","target_name":"iqn.nx.2018.com:arms:rpi_2"}}""",
            """{"error":"","result":{"lun_id":0},"Type":"ATTACH"}""");
        await SayAsync(
            """{"type":"CLEARTARGET","command":{"target_name":"iqn.nx.2018.com:arms:rpi_2"}}""",
            $$$"""{"error":"","result":{"freed_logical_unit_paths":["{{{disks}}}/a.qcow2","{{{disks}}}/c.qcow2"]},"Type":"CLEARTARGET"}""");
        await SayAsync(
            """{"type":"CLEARTARGET","command":{"target_name":"iqn.nx.2018.com:arms:rpi_2"}}""",
            """{"error":"","result":{"freed_logical_unit_paths":[]},"Type":"CLEARTARGET"}""");
        await SayAsync("""{"type":"DELETETARGET","command":{"target_name":"iqn.nx.2018.com:arms:rpi_2"}}""", Empty);
        await SayAsync("""{"type":"ADDTARGET","command":{"target_name":"iqn.nx.2018.com:arms:rpi_2"}}""", Empty);
        await SayAsync(
            """{"type":"LIST","command":null}""",
            $$$"""
            {"error":"","result":{"iqn.2018-05.local:Board.1":{"target_id":1,"logical_units":[{"logical_unit_id":1,"file_path":"{{{disks}}}/b.qcow2"}],
            "has_connections":false,"it_nexuses":[]},
            "iqn.nx.2018.com:arms:rpi_2":{"target_id":3,"logical_units":[],"has_connections":false,"it_nexuses":[]}},"Type":"LIST"}
            """.ReplaceLineEndings(""));
    }

    [Fact]
    public async Task Every_request_for_an_unknown_target_says_so_before_anything_else()
    {
        const string reply =
            """{"error":"target does not exist","result":{"code":"target_not_found","target_name":"iqn.2018-05.local:nobody"},"Type":"EMPTY"}""";
        await SayAsync("""{"type":"ATTACH","command":{"disk_path":"no such disk","target_name":"iqn.2018-05.local:nobody"}}""", reply);
        await SayAsync("""{"type":"DETACHLUN","command":{"lun_id":-3,"target_name":"iqn.2018-05.local:nobody"}}""", reply);
        await SayAsync("""{"type":"DELETETARGET","command":{"target_name":"iqn.2018-05.local:nobody"}}""", reply);
        await SayAsync("""{"type":"CLEARTARGET","command":{"target_name":"iqn.2018-05.local:nobody"}}""", reply);
        await SayAsync("""{"type":"DELETETARGET","command":{"target_name":"iqn.2018-05.local:nobody"}}""", reply);
    }

    [Fact]
    public async Task The_errors_that_clients_look_for_keep_their_words()
    {
        const string named = "\"target_name\":\"iqn.2018-05.local:t\"";
        await SayAsync($$$"""{"type":"ADDTARGET","command":{{{{named}}}}}""", Empty);
        await SayAsync(
            $$$"""{"type":"ADDTARGET","command":{{{{named}}}}}""",
            $$$"""{"error":"target already exists","result":{"code":"target_exists",{{{named}}}},"Type":"EMPTY"}""");
        await SayAsync(
            $$$"""{"type":"DETACHLUN","command":{"lun_id":4,{{{named}}}}}""",
            $$$"""{"error":"logical unit not found","result":{"code":"lun_not_found",{{{named}}},"lun_id":4},"Type":"EMPTY"}""");
        await SayAsync($$$"""{"type":"ATTACH","command":{"disk_path":"a.qcow2",{{{named}}}}}""", """{"error":"","result":{"lun_id":0},"Type":"ATTACH"}""");
        await SayAsync(
            $$$"""{"type":"DELETETARGET","command":{{{{named}}}}}""",
            $$$"""{"error":"can't remove target which has logical units attached","result":{"code":"target_has_luns",{{{named}}}},"Type":"EMPTY"}""");
        await using InitiatorSession session = await InitiatorSession.ReadyAsync(Daemon.Portal, new SessionOptions { TargetName = "iqn.2018-05.local:t" });
        await SayAsync(
            $$$"""{"type":"CLEARTARGET","command":{{{{named}}}}}""",
            $$$"""{"error":"target has active iscsi connection","result":{"code":"target_connected",{{{named}}}},"Type":"EMPTY"}""");
        await SayAsync(
            $$$"""{"type":"DETACHLUN","command":{"lun_id":0,{{{named}}}}}""",
            $$$"""{"error":"","result":{"file_path":"{{{Daemon.Disks}}}/a.qcow2"},"Type":"DETACHLUN"}""");
        await SayAsync(
            $$$"""{"type":"DELETETARGET","command":{{{{named}}}}}""",
            $$$"""{"error":"can't remove target which has active connections","result":{"code":"target_connected",{{{named}}}},"Type":"EMPTY"}""");
    }

    [Fact]
    public async Task A_nexus_is_listed_in_the_words_of_the_contract()
    {
        await Daemon.AddTargetAsync("iqn.2018-05.local:Listed");
        SessionOptions options = new() { TargetName = "iqn.2018-05.local:listed", InitiatorName = "iqn.2018-05.local:board", Isid = 0x80_00_0a_bc_00_01 };
        await using InitiatorSession session = await InitiatorSession.LoginAsync(Daemon.Portal, options);
        await SayAsync(
            """{"type":"LIST","command":{}}""",
            """
            {"error":"","result":{"iqn.2018-05.local:Listed":{"target_id":1,"logical_units":[],"has_connections":true,
            "it_nexuses":["iqn.2018-05.local:board,i,0x80000abc0001,iqn.2018-05.local:Listed,t,0x0001"]}},"Type":"LIST"}
            """.ReplaceLineEndings(""));
    }

    [Theory]
    [InlineData("""{"type":"ADDTARGET","command":{"target_name":"board 1"}}""", "invalid_target_name")]
    [InlineData("""{"type":"ADDTARGET","command":{"target_name":"disk.2018-05.local:a"}}""", "invalid_target_name")]
    [InlineData("""{"type":"ADDTARGET","command":{"target_name":""}}""", "invalid_target_name")]
    [InlineData("""{"type":"ADDTARGET","command":{"target_name":5}}""", "wrong_type")]
    [InlineData("""{"type":"ADDTARGET","command":{"target_name":"iqn.2018-05.local:x","alias":"x"}}""", "unknown_field")]
    [InlineData("""{"type":"ADDTARGET","command":{}}""", "missing_field")]
    [InlineData("""{"type":"ADDTARGET"}""", "missing_field")]
    [InlineData("""{"type":"DETACHLUN","command":{"target_name":"iqn.2018-05.local:x"}}""", "missing_field")]
    [InlineData("""{"type":"DETACHLUN","command":{"target_name":"iqn.2018-05.local:x","lun_id":"0"}}""", "wrong_type")]
    [InlineData("""{"type":"ADDTARGET","command":{"target_name":"iqn.2018-05.local:x","target_name":"iqn.2018-05.local:y"}}""", "duplicate_field")]
    [InlineData("""{"type":"CLEARTARGET","command":{"target_name":"iqn.2018-05.local:x","force":"yes"}}""", "wrong_type")]
    [InlineData("""{"type":"LIST","command":{"target_name":"iqn.2018-05.local:x"}}""", "target_not_found")]
    [InlineData("""{"type":"RENAMETARGET","command":{"target_name":"iqn.2018-05.local:x"}}""", "unknown_request")]
    [InlineData("""{"type":"list"}""", "unknown_request")]
    [InlineData("""{"command":{}}""", "missing_field")]
    [InlineData("""{"type":7}""", "wrong_type")]
    [InlineData("""[1,2]""", "invalid_json")]
    [InlineData("""{"type":"LIST" """, "invalid_json")]
    [InlineData("""{'type':'LIST'}""", "invalid_json")]
    [InlineData("LIST", "invalid_json")]
    [InlineData("", "invalid_json")]
    public async Task A_line_that_is_no_request_gets_its_error_and_the_connection_goes_on(string line, string code)
    {
        await RefusedAsync(line, code);
        await SayAsync("""{"type":"LIST","extra":true}""", """{"error":"","result":{},"Type":"LIST"}""");
    }

    [Theory]
    [InlineData("missing.qcow2", "disk_not_found")]
    [InlineData("../outside.qcow2", "invalid_disk_path")]
    [InlineData("/etc/hostname", "invalid_disk_path")]
    [InlineData("", "invalid_disk_path")]
    [InlineData("plain.raw", "disk_unsupported")]
    [InlineData("truncated.qcow2", "disk_corrupt")]
    [InlineData("encrypted.qcow2", "disk_unsupported")]
    [InlineData("folder", "invalid_disk_path")]
    public async Task A_disk_that_cannot_be_served_is_refused_and_nothing_of_it_stays_open(string path, string code)
    {
        File.WriteAllBytes(Daemon.Disk("plain.raw"), new byte[1 << 20]);
        File.WriteAllBytes(Daemon.Disk("truncated.qcow2"), File.ReadAllBytes(Daemon.Disk("a.qcow2"))[..60]);
        string secret = Daemon.Disk("secret.txt");
        File.WriteAllText(secret, "secret");
        QemuImg.Run(
            "create", "-q", "-f", "qcow2", "--object", $"secret,id=s,file={secret}", "-o", "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10",
            Daemon.Disk("encrypted.qcow2"), "1M").EnsureSuccess();
        Directory.CreateDirectory(Daemon.Disk("folder"));
        File.WriteAllBytes(Path.Combine(Daemon.Disks, "..", "outside.qcow2"), File.ReadAllBytes(Daemon.Disk("a.qcow2")));
        await Daemon.AddTargetAsync("iqn.2018-05.local:refused");

        await RefusedAsync($$$"""{"type":"ATTACH","command":{"disk_path":"{{{path}}}","target_name":"iqn.2018-05.local:refused"}}""", code);

        Assert.DoesNotContain(Daemon.OpenFiles(), file => file.StartsWith(Daemon.Disks, StringComparison.Ordinal));
        Assert.Empty((await Daemon.ListAsync())["iqn.2018-05.local:refused"]!["logical_units"]!);
    }

    [Fact]
    public async Task A_disk_in_use_names_its_holder()
    {
        QemuImg.CreateOverlay(Daemon.Disk("overlay.qcow2"), "a.qcow2");
        await Daemon.AddTargetAsync("iqn.2018-05.local:one");
        await Daemon.AddTargetAsync("iqn.2018-05.local:two");
        await Daemon.AttachAsync("iqn.2018-05.local:one", "overlay.qcow2");
        string again = await RefusedAsync(
            """{"type":"ATTACH","command":{"disk_path":"overlay.qcow2","target_name":"iqn.2018-05.local:two"}}""", "disk_in_use");
        Assert.Contains("iqn.2018-05.local:one", again, StringComparison.Ordinal);
        string asBase = await RefusedAsync("""{"type":"ATTACH","command":{"disk_path":"a.qcow2","target_name":"iqn.2018-05.local:two"}}""", "disk_in_use");
        Assert.Contains("iqn.2018-05.local:one", asBase, StringComparison.Ordinal);
        await RefusedAsync("""{"type":"ATTACH","command":{"disk_path":"b.qcow2","target_name":"iqn.2018-05.local:one","lun_id":0}}""", "lun_id_in_use");
        await RefusedAsync("""{"type":"ATTACH","command":{"disk_path":"b.qcow2","target_name":"iqn.2018-05.local:one","lun_id":-1}}""", "invalid_lun_id");
    }

    [Fact]
    public async Task A_serial_number_given_at_attach_is_the_disks()
    {
        const string target = "iqn.2018-05.local:serial";
        await Daemon.AddTargetAsync(target);
        await RefusedAsync($$$"""{"type":"ATTACH","command":{"disk_path":"a.qcow2","target_name":"{{{target}}}","serial":" x"}}""", "invalid_serial");
        await RefusedAsync($$$"""{"type":"ATTACH","command":{"disk_path":"a.qcow2","target_name":"{{{target}}}","serial":""}}""", "invalid_serial");
        await SayAsync(
            $$$"""{"type":"ATTACH","command":{"disk_path":"a.qcow2","target_name":"{{{target}}}","serial":"BOARD-0042"}}""",
            """{"error":"","result":{"lun_id":0},"Type":"ATTACH"}""");
        Assert.Contains("[BOARD-0042]", Libiscsi.Inquiry(Daemon.Url(target), "-e", "1", "-c", "128"), StringComparison.Ordinal);
    }

    /// <summary>Initiators tell disks apart by it alone, whatever target they come through.</summary>
    [Theory]
    [InlineData("iqn.2018-05.local:twin")]
    [InlineData("iqn.2018-05.local:other-twin")]
    public async Task A_serial_number_belongs_to_one_disk_of_the_daemon(string second)
    {
        const string first = "iqn.2018-05.local:twin";
        foreach (string target in new[] { first, second }.Distinct()) await Daemon.AddTargetAsync(target);
        await Daemon.MustAsync("ATTACH", new { disk_path = "a.qcow2", target_name = first, serial = "TWIN-1" });

        string refused = await RefusedAsync($$$"""{"type":"ATTACH","command":{"disk_path":"b.qcow2","target_name":"{{{second}}}","serial":"TWIN-1"}}""", "serial_in_use");

        Assert.Contains($"LUN 0 of {first}", refused, StringComparison.Ordinal);
        Assert.DoesNotContain(Daemon.Disk("b.qcow2"), Daemon.OpenFiles());
        Assert.DoesNotContain("b.qcow2", (await Daemon.ListAsync()).ToString(), StringComparison.Ordinal);
        await Daemon.MustAsync("ATTACH", new { disk_path = "b.qcow2", target_name = second, serial = "twin-1" });   // case counts
        await Daemon.DetachAsync(first);
        string made = (await Daemon.MustAsync("LIST", new { target_name = second }))[second]!["logical_units"]!.Last!.Value<string>("serial")!;
        Assert.Equal("twin-1", made);
        await Daemon.MustAsync("ATTACH", new { disk_path = "a.qcow2", target_name = first, serial = "TWIN-1" });
    }

    [Fact]
    public async Task A_new_image_at_the_path_of_one_that_was_renamed_while_attached_is_another_disk()
    {
        string[] targets = ["iqn.2018-05.local:renamed", "iqn.2018-05.local:successor"];
        foreach (string target in targets) await Daemon.AddTargetAsync(target);
        QemuImg.Create(Daemon.Disk("job.qcow2"), 1 << 20);
        await Daemon.AttachAsync(targets[0], "job.qcow2");
        File.Move(Daemon.Disk("job.qcow2"), Daemon.Disk("job-1.qcow2"));
        QemuImg.Create(Daemon.Disk("job.qcow2"), 1 << 20);

        await Daemon.AttachAsync(targets[1], "job.qcow2");

        string former = await SerialAsync(targets[0]), successor = await SerialAsync(targets[1]);
        Assert.NotEqual(former, successor);
        await Daemon.DetachAsync(targets[0]);
        Assert.Equal(successor, await SerialAsync(targets[1]));

        async Task<string> SerialAsync(string target) =>
            (await Daemon.MustAsync("LIST", new { target_name = target }))[target]!["logical_units"]!.Single().Value<string>("serial")!;
    }

    [Fact]
    public async Task An_image_that_is_attached_twice_for_reading_is_one_disk_with_one_serial_number()
    {
        const string target = "iqn.2018-05.local:shared";
        await Daemon.AddTargetAsync(target);
        for (int lun = 0; lun < 2; lun++) await Daemon.MustAsync("ATTACH", new { disk_path = "a.qcow2", target_name = target, read_only = true });

        JToken units = (await Daemon.MustAsync("LIST", new { target_name = target }))[target]!["logical_units"]!;
        string serial = units[0]!.Value<string>("serial")!;
        Assert.Equal(serial, units[1]!.Value<string>("serial"));

        // What the daemon made for one image is no other image's either.
        await RefusedAsync($$$"""{"type":"ATTACH","command":{"disk_path":"b.qcow2","target_name":"{{{target}}}","serial":"{{{serial}}}"}}""", "serial_in_use");
    }

    [Theory]
    [InlineData("""{"details":true}""")]
    [InlineData("""{"target_name":"iqn.2018-05.local:DETAILED"}""")]
    public async Task Details_are_told_to_those_who_ask_for_them(string command)
    {
        await Daemon.AddTargetAsync("iqn.2018-05.local:detailed");
        await Daemon.AttachAsync("iqn.2018-05.local:detailed", "a.qcow2");
        JObject reply = JObject.Parse(await Control.SendAsync($$$"""{"type":"LIST","command":{{{command}}}}""") ?? "");
        JToken lun = reply["result"]!["iqn.2018-05.local:detailed"]!["logical_units"]!.Single();
        Assert.Equal(Daemon.Disk("a.qcow2"), lun.Value<string>("file_path"));
        Assert.Equal("ready", lun.Value<string>("state"));
        Assert.Equal(1 << 20, lun.Value<long>("size_bytes"));
        Assert.Matches("^[0-9a-f]{32}$", lun.Value<string>("serial"));
    }

    [Fact]
    public async Task Details_name_the_images_below_an_overlay()
    {
        QemuImg.CreateOverlay(Daemon.Disk("middle.qcow2"), "a.qcow2");
        QemuImg.CreateOverlay(Daemon.Disk("top.qcow2"), "middle.qcow2");
        await Daemon.AddTargetAsync("iqn.2018-05.local:overlay");
        await Daemon.AttachAsync("iqn.2018-05.local:overlay", "top.qcow2");

        JToken lun = (await Daemon.MustAsync("LIST", new { details = true }))["iqn.2018-05.local:overlay"]!["logical_units"]!.Single();

        Assert.Equal([Daemon.Disk("middle.qcow2"), Daemon.Disk("a.qcow2")], lun["backing_paths"]!.Values<string>());
    }

    [Fact]
    public async Task A_change_that_cannot_be_saved_is_refused_and_not_made()
    {
        Directory.Move(Daemon.StateFolder, Daemon.StateFolder + "-away");
        File.WriteAllText(Daemon.StateFolder, "in the way");
        await RefusedAsync("""{"type":"ADDTARGET","command":{"target_name":"iqn.2018-05.local:unsaved"}}""", "state_not_saved");
        File.Delete(Daemon.StateFolder);
        Directory.Move(Daemon.StateFolder + "-away", Daemon.StateFolder);
        await SayAsync("""{"type":"LIST"}""", """{"error":"","result":{},"Type":"LIST"}""");
        await SayAsync("""{"type":"ADDTARGET","command":{"target_name":"iqn.2018-05.local:unsaved"}}""", Empty);
    }

    [Fact]
    public async Task What_goes_over_a_limit_is_refused_by_its_name()
    {
        const int most = 256;
        byte[] image = File.ReadAllBytes(Daemon.Disk("a.qcow2"));
        StringBuilder lines = new();
        for (int i = 0; i <= most; i++)
        {
            File.WriteAllBytes(Daemon.Disk($"many-{i}.qcow2"), image);
            lines.Append($$$"""{"type":"ATTACH","command":{"disk_path":"many-{{{i}}}.qcow2","target_name":"iqn.2018-05.local:many"}}""").Append('\n');
        }
        await Daemon.AddTargetAsync("iqn.2018-05.local:many");
        Task sending = Control.SendBytesAsync(Encoding.UTF8.GetBytes(lines.ToString()));
        for (int i = 0; i < most; i++) Assert.Equal($$$"""{"error":"","result":{"lun_id":{{{i}}}},"Type":"ATTACH"}""", await Control.ReceiveAsync());
        string refused = await Control.ReceiveAsync() ?? "";
        await sending;
        Assert.Equal("limit_exceeded", CodeOf(refused));
        Assert.Equal(most, JObject.Parse(refused)["result"]!.Value<int>("limit"));
    }

    [Fact]
    public async Task A_detach_works_under_load_and_drops_what_is_not_wanted()
    {
        await Daemon.AddTargetAsync("iqn.2018-05.local:loaded");
        await Daemon.AttachAsync("iqn.2018-05.local:loaded", "a.qcow2");
        await using InitiatorSession session = await InitiatorSession.ReadyAsync(Daemon.Portal, new SessionOptions { TargetName = "iqn.2018-05.local:loaded" });
        TaskCompletionSource busy = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<ScsiResult>[] writers = [.. Enumerable.Range(0, 8).Select(worker => WriteUntilRefusedAsync(worker))];
        await busy.Task.WaitAsync(TimeSpan.FromSeconds(20));
        await SayAsync(
            """{"type":"DETACHLUN","command":{"lun_id":0,"target_name":"iqn.2018-05.local:loaded","flush":false}}""",
            $$$"""{"error":"","result":{"file_path":"{{{Daemon.Disks}}}/a.qcow2"},"Type":"DETACHLUN"}""");
        Assert.All(await Task.WhenAll(writers), last => Assert.Contains(last.Sense, new[] { 0x05_25_00, 0x06_3F_0E }));
        Assert.DoesNotContain(Daemon.Disk("a.qcow2"), Daemon.OpenFiles());
        Assert.Contains(QemuImg.Check(Daemon.Disk("a.qcow2")), new[] { CheckVerdict.Clean, CheckVerdict.LeaksOnly });

        async Task<ScsiResult> WriteUntilRefusedAsync(int worker)
        {
            byte[] data = new byte[4096];
            ScsiResult result;
            for (int i = worker; (result = await session.ExecuteAsync(Cdb.Write16(i % 256 * 8, data))).IsGood; i += 8)
            {
                if (i > 200) busy.TrySetResult();
            }
            return result;
        }
    }

    [Fact]
    public async Task After_a_detach_nothing_of_the_image_is_open()
    {
        await Daemon.AddTargetAsync("iqn.2018-05.local:freed");
        await Daemon.AttachAsync("iqn.2018-05.local:freed", "a.qcow2");
        Assert.Contains(Daemon.Disk("a.qcow2"), Daemon.OpenFiles());
        Assert.Equal(CheckVerdict.NotChecked, QemuImg.Check(Daemon.Disk("a.qcow2")));
        await Daemon.DetachAsync("iqn.2018-05.local:freed");
        Assert.DoesNotContain(Daemon.Disk("a.qcow2"), Daemon.OpenFiles());
        Assert.Equal(CheckVerdict.Clean, QemuImg.Check(Daemon.Disk("a.qcow2")));
    }

    [Fact]
    public async Task Forcing_a_clear_ends_the_sessions_first()
    {
        await Daemon.AddTargetAsync("iqn.2018-05.local:forced");
        await Daemon.AttachAsync("iqn.2018-05.local:forced", "a.qcow2");
        await using InitiatorSession session = await InitiatorSession.ReadyAsync(Daemon.Portal, new SessionOptions { TargetName = "iqn.2018-05.local:forced" });
        await SayAsync(
            """{"type":"CLEARTARGET","command":{"target_name":"iqn.2018-05.local:forced","force":true}}""",
            $$$"""{"error":"","result":{"freed_logical_unit_paths":["{{{Daemon.Disks}}}/a.qcow2"]},"Type":"CLEARTARGET"}""");
        await session.Ended.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task Two_clients_are_answered_each_on_its_own()
    {
        await using ControlConnection other = await ControlConnection.OpenAsync(Daemon);
        await Task.WhenAll(AddFiftyAsync(Control, "one"), AddFiftyAsync(other, "two"));
        Assert.Equal(100, (await Daemon.ListAsync()).Count);

        static async Task AddFiftyAsync(ControlConnection control, string name)
        {
            for (int i = 0; i < 50; i++) Assert.Equal(Empty, await control.SendAsync($$$"""{"type":"ADDTARGET","command":{"target_name":"iqn.2018-05.local:{{{name}}}-{{{i}}}"}}"""));
        }
    }

    [Fact]
    public async Task A_thousand_requests_sent_at_once_are_answered_in_order_and_a_thousand_targets_are_listed()
    {
        StringBuilder lines = new();
        for (int i = 0; i < 1000; i++) lines.Append($$$"""{"type":"ADDTARGET","command":{"target_name":"iqn.2018-05.local:t{{{i}}}"}}""").Append('\n');
        lines.Append("""{"type":"ADDTARGET","command":{"target_name":"iqn.2018-05.local:t999"}}""").Append('\n');
        Task sending = Control.SendBytesAsync(Encoding.UTF8.GetBytes(lines.ToString()));
        for (int i = 0; i < 1000; i++) Assert.Equal(Empty, await Control.ReceiveAsync());
        Assert.Contains("target already exists", await Control.ReceiveAsync(), StringComparison.Ordinal);
        await sending;
        JObject listed = await Daemon.ListAsync();
        Assert.Equal(1000, listed.Count);
        Assert.Equal(1000, listed.Properties().Select(target => target.Value.Value<int>("target_id")).Distinct().Count());
    }

    [Fact]
    public async Task Half_a_line_is_answered_when_the_client_ends_it_so()
    {
        await Control.SendBytesAsync("""{"type":"LI"""u8.ToArray());
        Control.EndSending();
        Assert.Equal("incomplete_line", CodeOf(await Control.ReceiveAsync()));
        Assert.Null(await Control.ReceiveAsync());
        await GoesOnAsync();
    }

    [Fact]
    public async Task A_line_in_two_halves_is_one_request()
    {
        await Control.SendBytesAsync("""{"type":"LI"""u8.ToArray());
        await GoesOnAsync();
        await Control.SendBytesAsync("ST\"}\n"u8.ToArray());
        Assert.Equal("""{"error":"","result":{},"Type":"LIST"}""", await Control.ReceiveAsync());
    }

    [Fact]
    public async Task Two_mebibytes_without_a_line_end_get_an_error_and_the_end()
    {
        byte[] endless = new byte[2 << 20];
        endless.AsSpan().Fill((byte)' ');
        Task sending = Control.SendBytesAsync(endless);
        Assert.Equal("line_too_long", CodeOf(await Control.ReceiveAsync()));
        Assert.Null(await Control.ReceiveAsync());
        await sending.WaitAsync(TimeSpan.FromSeconds(10));   // what followed was thrown away: it neither piled up nor blocked its sender
        await GoesOnAsync();
    }

    [Fact]
    public async Task A_client_that_ends_its_sending_side_gets_all_replies_and_the_end()
    {
        await Control.SendBytesAsync("{\"type\":\"LIST\"}\n{\"type\":\"LIST\"}\n"u8.ToArray());
        Control.EndSending();
        Assert.NotNull(await Control.ReceiveAsync());
        Assert.NotNull(await Control.ReceiveAsync());
        Assert.Null(await Control.ReceiveAsync());
    }

    [Fact]
    public async Task A_client_that_says_nothing_at_all_is_let_go()
    {
        Control.EndSending();
        Assert.Null(await Control.ReceiveAsync());
        await GoesOnAsync();
    }

    private async Task SayAsync(string request, string reply) => Assert.Equal(reply, await Control.SendAsync(request));

    private async Task<string> RefusedAsync(string request, string code)
    {
        string reply = await Control.SendAsync(request) ?? throw new IOException("the daemon closed the control connection");
        Assert.Equal(code, CodeOf(reply));
        return reply;
    }

    private static string? CodeOf(string? reply)
    {
        JObject parsed = JObject.Parse(reply ?? "{}");
        Assert.Equal(["error", "result", "Type"], parsed.Properties().Select(property => property.Name));
        Assert.NotEqual("", parsed.Value<string>("error"));
        Assert.Equal("EMPTY", parsed.Value<string>("Type"));
        return parsed["result"]!.Value<string>("code");
    }

    private async Task GoesOnAsync() => Assert.Equal("LIST", (await Daemon.RequestAsync("LIST")).Value<string>("Type"));
}

using Newtonsoft.Json.Linq;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>A sanitize operation under which the daemon ends, or from under which the medium is taken.</summary>
public sealed class SanitizeTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const string Target = "iqn.2018-05.local:sanitize";
    private const string Disk = "a.qcow2";
    private const long DiskBytes = 128 << 20;
    private const int InProgress = 0x02_04_1B, Failed = 0x03_31_03;
    private const byte Overwrite = 0x01, BlockErase = 0x02, Immediate = 0x80;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly SessionOptions Options = new() { TargetName = Target };
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync()
    {
        _daemon = await DaemonProcess.StartAsync(output);
        QemuImg.Create(_daemon.Disk(Disk), DiskBytes);
        await _daemon.AddTargetAsync(Target);
        await _daemon.AttachAsync(Target, Disk);
    }

    public Task DisposeAsync() => _daemon.EndCleanlyAsync();

    private static ScsiCommand Sanitize(byte flags, params byte[] list) =>
        new([0x48, flags, 0, 0, 0, 0, 0, 0, (byte)list.Length, 0]) { DataOut = list };

    private static async Task<int> SenseAsync(InitiatorSession session, ScsiCommand command)
    {
        ScsiResult result;
        do result = await session.ExecuteAsync(command);
        while (result.Sense >> 16 == 0x06);   // unit attentions
        return result.Sense;
    }

    private int Records() => ((JArray)JObject.Parse(File.ReadAllText(Path.Combine(_daemon.StateFolder, "state.json")))["sanitizes"]!).Count;

    private async Task BeginAsync(byte passes)
    {
        await using InitiatorSession session = await InitiatorSession.ReadyAsync(_daemon.Portal, Options);
        await session.MustAsync(Cdb.Write16(100, Enumerable.Repeat((byte)0x11, 512).ToArray()));
        await session.MustAsync(Sanitize(Immediate | Overwrite, passes, 0, 0, 2, 0xA5, 0x5A));
        Assert.Equal(InProgress, await SenseAsync(session, Cdb.TestUnitReady()));
    }

    [Theory]
    [InlineData(9)]
    [InlineData(15)]
    public async Task It_goes_on_when_the_daemon_is_back(int signal)
    {
        await BeginAsync(passes: 4);
        _daemon.Send(signal);
        await _daemon.EndAsync();
        Assert.Equal(1, Records());

        await _daemon.StartAgainAsync();
        await using (InitiatorSession session = await InitiatorSession.LoginAsync(_daemon.Portal, Options))
        {
            Assert.Equal(InProgress, await SenseAsync(session, Cdb.TestUnitReady()));
            Assert.Equal(InProgress, await SenseAsync(session, Cdb.Read16(0, new byte[512])));
            await Eventually.That(async () => await SenseAsync(session, Cdb.TestUnitReady()) == 0, Limit, "the disk is sanitized");
            await AllIsOverwrittenAsync(session);
            await session.MustAsync(Cdb.Write16(100, new byte[512]));
        }
        Assert.Equal(0, Records());

        await _daemon.StopAsync();
        await _daemon.StartAgainAsync();
        byte[] block = [1];
        Array.Resize(ref block, 512);
        await using InitiatorSession after = await InitiatorSession.ReadyAsync(_daemon.Portal, Options);
        await after.MustAsync(Cdb.Read16(100, block));
        Assert.Equal(-1, block.AsSpan().IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public async Task It_stops_when_the_disk_is_detached_and_the_data_stay_closed_until_it_is_done_again()
    {
        await BeginAsync(passes: 31);
        await _daemon.DetachAsync(Target);
        Assert.DoesNotContain(_daemon.Disk(Disk), _daemon.OpenFiles());
        string renamed = _daemon.Disk("renamed.qcow2");
        File.Move(_daemon.Disk(Disk), renamed);
        byte[] left = File.ReadAllBytes(renamed);

        await _daemon.AttachAsync(Target, "renamed.qcow2");
        await using (InitiatorSession session = await InitiatorSession.LoginAsync(_daemon.Portal, Options))
        {
            Assert.Equal(Failed, await SenseAsync(session, Cdb.TestUnitReady()));
            Assert.Equal(Failed, await SenseAsync(session, Cdb.Read16(0, new byte[512])));
        }
        await _daemon.StopAsync();
        Assert.True(left.AsSpan().SequenceEqual(File.ReadAllBytes(renamed)), "the file was changed");
        await _daemon.StartAgainAsync();
        await using InitiatorSession again = await InitiatorSession.LoginAsync(_daemon.Portal, Options);
        Assert.Equal(Failed, await SenseAsync(again, Cdb.TestUnitReady()));
        await again.MustAsync(Sanitize(BlockErase));
        Assert.Equal(0, await SenseAsync(again, Cdb.TestUnitReady()));
        Assert.Equal(0, Records());
    }

    [Fact]
    public async Task A_new_disk_of_the_same_name_is_none_of_its_business()
    {
        await BeginAsync(passes: 31);
        await _daemon.DetachAsync(Target);
        File.Delete(_daemon.Disk(Disk));
        QemuImg.Create(_daemon.Disk(Disk), DiskBytes);
        await _daemon.AttachAsync(Target, Disk);
        await using InitiatorSession session = await InitiatorSession.ReadyAsync(_daemon.Portal, Options);
        await session.MustAsync(Cdb.Write16(0, new byte[512]));
    }

    private static async Task AllIsOverwrittenAsync(InitiatorSession session)
    {
        byte[] piece = new byte[1 << 20];
        for (long offset = 0; offset < DiskBytes; offset += piece.Length)
        {
            await session.MustAsync(Cdb.Read16(offset / 512, piece));
            for (int at = 0; at < piece.Length; at += 2)
            {
                if (piece[at] != 0xA5 || piece[at + 1] != 0x5A)
                    Assert.Fail($"byte {offset + at} is not overwritten");
            }
        }
    }
}

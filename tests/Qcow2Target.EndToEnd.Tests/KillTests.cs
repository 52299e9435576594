using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.EndToEnd.Tests.Load;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>kill -9 under load: the client's own record says what must still be there.</summary>
[Collection(HeavyCollection.Name)]
public sealed class KillTests(ITestOutputHelper output)
{
    private const string Target = "iqn.2018-05.local:kill";
    private const int Kills = 10, Depth = 16, Blocks = 4096;
    private static readonly LoadMix Mix = new(Writes: 80, Unmaps: 8, Flushes: 2, LongestRun: 6);
    private readonly RandomSource _random = new(output.WriteLine);

    [Fact]
    public async Task What_was_acknowledged_survives_ten_kills_under_write_load()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(output);
        BlockLedger settled = MakeBase(daemon);
        await daemon.AddTargetAsync(Target);
        for (int kill = 0; kill < Kills; kill++) await KillOnceAsync(daemon, kill, settled);
        await daemon.StopAsync();
    }

    private async Task KillOnceAsync(DaemonProcess daemon, int kill, BlockLedger settled)
    {
        string disk = $"overlay-{kill}.qcow2";
        QemuImg.CreateOverlay(daemon.Disk(disk), "base.qcow2");
        await daemon.AttachAsync(Target, disk);
        BlockLedger ledger = settled.Copy();

        await LoadAndKillAsync(daemon, ledger, until: _random.Next(300, 6000));
        CheckVerdict afterKill = QemuImg.Check(daemon.Disk(disk), out string words);
        Assert.True(afterKill is CheckVerdict.Clean or CheckVerdict.LeaksOnly, words);

        await daemon.StartAgainAsync();
        if (kill % 2 == 0)
        {
            await daemon.DetachAsync(Target);
            await daemon.AttachAsync(Target, disk);
        }
        await using (InitiatorSession session = await InitiatorSession.ReadyAsync(daemon.Portal, new SessionOptions { TargetName = Target }))
        {
            await new VerifiedLoad(session, ledger, Mix, 0).ReadAllAsync((run, data) => ledger.CheckAfterKill(run, data));
            await session.LogoutAsync();
        }
        await daemon.DetachAsync(Target);
        CheckVerdict afterDetach = QemuImg.Check(daemon.Disk(disk), out words);
        Assert.True(afterDetach is CheckVerdict.Clean or CheckVerdict.LeaksOnly, words);
    }

    private async Task LoadAndKillAsync(DaemonProcess daemon, BlockLedger ledger, int until)
    {
        await using InitiatorSession session = await InitiatorSession.ReadyAsync(daemon.Portal, new SessionOptions { TargetName = Target });
        VerifiedLoad load = new(session, ledger, Mix, _random.Next());
        TaskCompletionSource reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task running = load.RunAsync(Depth, () =>
        {
            if (load.Operations >= until && load.Flushes > 0) reached.TrySetResult();
            return true;
        });
        await Task.WhenAny(reached.Task, running);
        await daemon.KillAsync();
        await Assert.ThrowsAsync<IOException>(() => running);
        output.WriteLine($"killed after {load.Operations} operations and {load.Flushes} flushes");
        Assert.True(reached.Task.IsCompleted, "the load ended before the kill");
    }

    /// <summary>A base with stamped data in every other run of blocks: an overlay on it copies on write.</summary>
    private static BlockLedger MakeBase(DaemonProcess daemon)
    {
        BlockLedger ledger = new(disk: 7, Blocks);
        using (FileStream raw = new(daemon.Disk("base.raw"), FileMode.Create))
        {
            for (int first = 0; first < Blocks; first += 64)
            {
                BlockRun run = ledger.TryTake(new BlockRun(first, 32), BlockContent.Stamped)!.Value;
                raw.Position = (long)first * BlockStamp.BlockBytes;
                raw.Write(ledger.DataOf(run));
            }
            raw.SetLength((long)Blocks * BlockStamp.BlockBytes);
        }
        ledger.Settle();
        QemuImg.Convert(daemon.Disk("base.raw"), "raw", daemon.Disk("base.qcow2"), "qcow2");
        return ledger;
    }
}

using System.Diagnostics;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.EndToEnd.Tests.Load;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>A farm at work: many machines on their own disks while scripts attach and detach others.</summary>
[Collection(HeavyCollection.Name)]
public sealed class ManySessionsTests(ITestOutputHelper output)
{
    private const int Targets = 32, SessionsOfATarget = 2, Depth = 2, BlocksOfADisk = 4096, Bases = 4;
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(30);
    private static readonly LoadMix Mix = new(Writes: 45, Unmaps: 5, Flushes: 2, LongestRun: 8);
    private readonly RandomSource _random = new(output.WriteLine);

    [Fact]
    public async Task Sixty_four_sessions_on_thirty_two_targets_do_verified_io_while_others_are_attached_and_detached()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(output);
        BlockLedger[] ledgers = await MakeDisksAsync(daemon);
        List<InitiatorSession> sessions = [];
        foreach (int target in Enumerable.Range(0, Targets).SelectMany(target => Enumerable.Repeat(target, SessionsOfATarget)))
        {
            SessionOptions options = new() { TargetName = Name(target), InitiatorName = $"iqn.2018-05.local:board-{sessions.Count}" };
            sessions.Add(await InitiatorSession.ReadyAsync(daemon.Portal, options));
        }
        VerifiedLoad[] loads = [.. sessions.Select((session, i) => new VerifiedLoad(session, ledgers[i / SessionsOfATarget], Mix, _random.Next()))];

        long start = Stopwatch.GetTimestamp();
        bool GoOn() => Stopwatch.GetElapsedTime(start) < Duration;
        Task churn = ChurnAsync(daemon, GoOn);
        await Task.WhenAll(loads.Select(load => load.RunAsync(Depth, GoOn)).Append(churn));

        output.WriteLine($"{loads.Sum(load => load.Operations)} operations, the slowest session did {loads.Min(load => load.Operations)}");
        Assert.All(loads, load => Assert.NotEqual(0, load.Operations));
        for (int target = 0; target < Targets; target++)
        {
            BlockLedger ledger = ledgers[target];
            await loads[target * SessionsOfATarget].ReadAllAsync((run, data) => ledger.CheckRead(run, ledger.BeforeRead(run), data));
        }
        foreach (InitiatorSession session in sessions) await session.LogoutAsync();
        for (int target = 0; target < Targets; target++)
        {
            await daemon.ClearTargetAsync(Name(target));
            Assert.True(QemuImg.Check(daemon.Disk(Overlay(target)), out string words) == CheckVerdict.Clean, words);
        }
        await daemon.StopAsync();
    }

    private static string Name(int target) => $"iqn.2018-05.local:farm-{target}";

    private static string Overlay(int target) => $"overlay-{target}.qcow2";

    /// <summary>Overlays on a few shared bases. Each disk's blocks carry its own number, so the bases hold data only where no ledger looks.</summary>
    private async Task<BlockLedger[]> MakeDisksAsync(DaemonProcess daemon)
    {
        const long used = (long)BlocksOfADisk * BlockStamp.BlockBytes;
        for (int i = 0; i < Bases; i++)
        {
            QemuImg.Create(daemon.Disk($"base-{i}.qcow2"), used * 2);
            QemuImg.Io(daemon.Disk($"base-{i}.qcow2"), $"write -P {i + 1} {used} {used}").EnsureSuccess();
        }
        for (int target = 0; target < Targets; target++)
        {
            QemuImg.CreateOverlay(daemon.Disk(Overlay(target)), $"base-{target % Bases}.qcow2");
            await daemon.AddTargetAsync(Name(target));
            await daemon.AttachAsync(Name(target), Overlay(target));
        }
        return [.. Enumerable.Range(0, Targets).Select(target => new BlockLedger(target, BlocksOfADisk))];
    }

    /// <summary>What scripts do meanwhile: overlays on the same bases come and go on targets of their own, with a short session on each.</summary>
    private async Task ChurnAsync(DaemonProcess daemon, Func<bool> goOn)
    {
        const string target = "iqn.2018-05.local:churn";
        await daemon.AddTargetAsync(target);
        int rounds = 0;
        for (; goOn(); rounds++)
        {
            string disk = $"churn-{rounds}.qcow2";
            QemuImg.CreateOverlay(daemon.Disk(disk), $"base-{rounds % Bases}.qcow2");
            int lun = await daemon.AttachAsync(target, disk);
            await using (InitiatorSession session = await InitiatorSession.ReadyAsync(daemon.Portal, new SessionOptions { TargetName = target }))
            {
                byte[] data = _random.Bytes(65536);
                await session.MustAsync(Cdb.Write16(rounds, data));
                await session.LogoutAsync();
            }
            if (rounds % 2 == 0) await daemon.DetachAsync(target, lun);
            else await daemon.ClearTargetAsync(target);
            Assert.Equal(CheckVerdict.Clean, QemuImg.Check(daemon.Disk(disk)));
            File.Delete(daemon.Disk(disk));
        }
        output.WriteLine($"{rounds} disks came and went");
        Assert.NotEqual(0, rounds);
    }
}

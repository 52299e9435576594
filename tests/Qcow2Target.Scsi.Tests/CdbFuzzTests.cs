using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using Qcow2Target.Scsi.Pages.Vpd;
using Qcow2Target.Scsi.Sense;
using Qcow2Target.Scsi.Tests.Support;
using Qcow2Target.Testing;
using Qcow2Target.Testing.Fuzzing;
using Xunit.Abstractions;

namespace Qcow2Target.Scsi.Tests;

/// <summary>
/// Any command of any nexus, several at once, ends in a status by the rules, and changes no block but those that its CDB names; nothing on a disk that is read-only, or that a
/// persistent reservation keeps. docs/hostile-peers.md tells how it is run; tests/fuzz-protocol.sh is the long form.
/// </summary>
public sealed class CdbFuzzTests(ITestOutputHelper output)
{
    private const int UsualCommands = 20_000, Round = 5_000, Blocks = 4096, AtOnce = 4;
    private const int GuardedLun = 2;
    private const ulong GuardKey = 0x5EC0_1234_5678_9ABC;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly int[] Luns = [0, 0, 0, 0, 1, 2, 3];

    [Fact]
    public async Task Any_command_ends_by_the_rules_and_changes_only_what_it_names()
    {
        int seed = Number("QCOW2TARGET_FUZZ_SEED") ?? Random.Shared.Next(1 << 30), commands = Number("QCOW2TARGET_FUZZ_CDBS") ?? UsualCommands, goods = 0;
        long changes = 0;
        Stopwatch time = Stopwatch.StartNew();
        for (int done = 0; done < commands; done += Round)
        {
            (int good, long changed) = await RunAsync(seed++);
            goods += good;
            changes += changed;
        }
        output.WriteLine($"{commands} commands up to seed {seed - 1}: {goods} GOOD, {changes} changes of the disk, {time.Elapsed.TotalSeconds:f0} s");
        Assert.NotEqual(0, changes);
    }

    private static int? Number(string variable) => int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int value) ? value : null;

    private static async Task<(int Good, long Changes)> RunAsync(int seed)
    {
        RandomSource random = new(_ => { }, seed), deviceRandom = new(_ => { }, seed + 1);
        FuzzDevice[] devices = [.. Enumerable.Range(0, 4).Select(lun => new FuzzDevice(deviceRandom, Blocks, isReadOnly: lun == 1) { FaultOdds = random.Once(2) ? 500 : 0 })];
        LogicalUnit[] units =
        [
            .. devices.Select((device, lun) => new LogicalUnit(device, LogicalUnitIdentity.FromSeed($"fuzz-{lun}"),
                new LogicalUnitSettings { Medium = lun == 3 ? MediumKind.Removable : MediumKind.Fixed, Host = new RecordingHost() })),
        ];
        LunMap map = LunMap.Empty;
        for (int lun = 0; lun < units.Length; lun++) map = map.With(lun, units[lun]);
        ItNexus guard = Bench.FreshNexus();
        map.Begin((ulong)GuardedLun << 48, new byte[16], guard, 0);    // its first unit attention
        foreach ((byte[] cdb, byte[] list) in new[] { (ReserveCdb(6, 0), ReserveList(0, GuardKey)), (ReserveCdb(1, 1), ReserveList(GuardKey, 0)) })
            Assert.Equal(ScsiStatus.Good, (await Bench.RunAsync(map.Begin((ulong)GuardedLun << 48, cdb, guard, list.Length), list, default)).Status);
        byte[][] designators = [.. units.SelectMany(unit => DeviceIdentification.OfUnit(unit.Identity))];
        CdbGrammar grammar = new(random, Blocks, designators);
        ItNexus[] nexuses = [Bench.FreshNexus(), Bench.FreshNexus(), Bench.FreshNexus()];
        int bentOdds = random.Pick(1000, 8, 2, 1), good = 0;
        List<Running> running = [];
        FuzzCommand last = new(0, [], [], 0);
        try
        {
            for (int i = 0; i < Round; i++)
            {
                last = grammar.Next(Luns, bentOdds);
                if (TakesTheGuardAway(last)) continue;
                Running next = new(last);
                running.Add(next);
                for (int lun = 0; lun < devices.Length; lun++) devices[lun].Allow(running.Where(one => one.MayChange(lun)).SelectMany(one => one.Spans));
                next.Outcome = ExecuteAsync(map, last, nexuses[random.Next(nexuses.Length)], random);
                if (running.Count < AtOnce && random.Once(2)) continue;
                foreach (Running one in running.Where(one => !one.IsOver))
                {
                    last = one.Command;
                    ScsiOutcome outcome = await one.Outcome.WaitAsync(Patience);
                    one.IsOver = true;
                    Check(one.Command, outcome);
                    if (outcome.Status == ScsiStatus.Good) good++;
                }
                // A SANITIZE may go on after its status.
                if (units.All(unit => unit.Medium.Operation is not { HasFailed: false })) running.Clear();
                if (random.Once(200)) units[random.Next(units.Length)].Reset(UnitAttention.DeviceReset);
                if (random.Once(100))
                {
                    int gone = random.Next(nexuses.Length);
                    nexuses[gone].Close();
                    nexuses[gone] = Bench.FreshNexus();
                }
                foreach (FuzzDevice device in devices) Assert.Null(device.Violation);
            }
            await Task.WhenAll(running.Select(one => one.Outcome)).WaitAsync(Patience);
            Assert.Equal(0, devices[1].Changes + devices[2].Changes);
            foreach (ItNexus nexus in nexuses) nexus.Close();
            Assert.All(units, unit => Assert.False(unit.IsReserved, "a nexus that has gone holds the unit"));
            Assert.All(units, unit => Assert.False(unit.Tray is { IsPrevented: true }, "a nexus that has gone prevents removal"));
        }
        catch (Exception bug)
        {
            Assert.Fail($"QCOW2TARGET_FUZZ_SEED={seed} QCOW2TARGET_FUZZ_CDBS=1 repeats it: LUN {last.Lun:x16}, CDB {Convert.ToHexString(last.Cdb)}, data-out {Convert.ToHexString(last.DataOut.AsSpan(0, Math.Min(256, last.DataOut.Length)))}: {bug}");
        }
        return (good, devices.Sum(device => device.Changes));
    }

    /// <summary>As a transport does it: data in pieces of any size, less of them than the command takes, and sometimes an abort.</summary>
    private static async Task<ScsiOutcome> ExecuteAsync(LunMap map, FuzzCommand command, ItNexus nexus, RandomSource random)
    {
        using CancellationTokenSource abort = new();
        byte[] sent = random.Once(16) ? command.DataOut[..random.Next(command.DataOut.Length + 1)] : command.DataOut;
        int piece = 512 * random.Next(1, 64);
        bool isAborted = random.Once(100);
        CommandPlan plan = map.Begin(command.Lun, command.Cdb, nexus, random.Once(30) ? random.Next(4096) : command.DataOut.Length);
        if (isAborted) abort.Cancel();
        try
        {
            switch (plan.Kind)
            {
                case PlanKind.Complete:
                    return plan.Outcome!;
                case PlanKind.Read:
                    byte[] data = new byte[Math.Min(piece, plan.Length)];
                    for (long at = 0; at < plan.Length; at += data.Length)
                    {
                        Memory<byte> part = data.AsMemory(0, (int)Math.Min(data.Length, plan.Length - at));
                        ScsiOutcome read = plan.TryRead(at, part.Span) ? ScsiOutcome.Good : await plan.ReadAsync(at, part);
                        if (read.Status != ScsiStatus.Good) return read;
                    }
                    return ScsiOutcome.Good;
                case PlanKind.Write:
                    int length = (int)Math.Min(plan.Length, sent.Length);
                    for (int at = 0; at < length; at += piece)
                    {
                        ReadOnlyMemory<byte> part = sent.AsMemory(at, Math.Min(piece, length - at));
                        ScsiOutcome written = plan.TryWrite(at, part.Span) ? ScsiOutcome.Good : await plan.WriteAsync(at, part, abort.Token);
                        if (written.Status != ScsiStatus.Good) return written;
                    }
                    return await plan.FinishAsync(length);
                default:
                    return await plan.ExecuteAsync(sent.AsMemory(0, (int)Math.Min(plan.Length, sent.Length)), abort.Token);
            }
        }
        catch (OperationCanceledException) when (isAborted)
        {
            return ScsiOutcome.Busy;
        }
    }

    private static void Check(FuzzCommand command, ScsiOutcome outcome)
    {
        Assert.True(outcome.Status is ScsiStatus.Good or ScsiStatus.CheckCondition or ScsiStatus.Busy or ScsiStatus.ReservationConflict, $"status {outcome.Status}");
        Assert.Equal(outcome.Status == ScsiStatus.CheckCondition, !outcome.Sense.IsEmpty);
        if (!outcome.Sense.IsEmpty) Assert.Null(SenseRules.FaultOf(outcome.Sense.Span, out _));
        Assert.True(outcome.DataIn.IsEmpty || outcome.Status == ScsiStatus.Good, "data without GOOD");
        Assert.True(outcome.DataIn.Length <= 1 << 20, $"{outcome.DataIn.Length} bytes of data-in for {Convert.ToHexString(command.Cdb)}");
    }

    /// <summary>Anybody who is registered may clear all reservations by right (SPC-4 5.13.11.2): not on the guarded disk.</summary>
    private static bool TakesTheGuardAway(FuzzCommand command) =>
        command.Cdb.Length > 1 && command.Cdb[0] == 0x5F && (command.Cdb[1] & 0x1F) == 3 && LunField.TryDecode(command.Lun, out int lun) && lun == GuardedLun;

    private static byte[] ReserveCdb(byte action, byte type) => [0x5F, action, type, 0, 0, 0, 0, 0, 24, 0, 0, 0, 0, 0, 0, 0];

    private static byte[] ReserveList(ulong key, ulong actionKey)
    {
        byte[] list = new byte[24];
        BinaryPrimitives.WriteUInt64BigEndian(list, key);
        BinaryPrimitives.WriteUInt64BigEndian(list.AsSpan(8), actionKey);
        return list;
    }

    /// <summary>A command under way, and what it may change.</summary>
    private sealed class Running
    {
        private readonly int? _lun;

        public Running(FuzzCommand command)
        {
            Command = command;
            bool copies = MediumChanges.Collect(command.Cdb, command.DataOut, Blocks, Spans);
            _lun = copies ? null : LunField.TryDecode(command.Lun, out int lun) ? lun : -1;
        }

        public FuzzCommand Command { get; }
        public List<BlockSpan> Spans { get; } = [];
        public Task<ScsiOutcome> Outcome { get; set; } = Task.FromResult(ScsiOutcome.Good);
        public bool IsOver { get; set; }

        public bool MayChange(int lun) => _lun is not { } own || own == lun;
    }
}

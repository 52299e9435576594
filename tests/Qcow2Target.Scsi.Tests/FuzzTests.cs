using System.Diagnostics;
using Qcow2Target.Scsi.Sense;
using Qcow2Target.Scsi.Tests.Support;
using Xunit.Abstractions;

namespace Qcow2Target.Scsi.Tests;

/// <summary>Any bytes as CDB and parameters end in a status, in bounded time and memory.</summary>
public sealed class FuzzTests(ITestOutputHelper output)
{
    private const int Commands = 30_000;

    [Fact]
    public async Task Any_cdb_and_any_parameters_end_in_a_status()
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var bench = new Bench(new MemoryBlockDevice(blocks: 4096));
        bench.Map = bench.Map.With(1, bench.Unit);
        ItNexus[] nexuses = [bench.Nexus, Bench.FreshNexus(), Bench.FreshNexus()];
        var time = Stopwatch.StartNew();

        for (int i = 0; i < Commands; i++)
        {
            byte[] cdb = NextCdb(random);
            ulong lun = random.Next(20) == 0 ? (ulong)random.NextInt64() << 1 : (ulong)random.Next(2) << 48;
            byte[] dataOut = NextData(random);
            try
            {
                CommandPlan plan = bench.Map.Begin(lun, cdb, nexuses[random.Next(3)], dataOut.Length);
                ScsiOutcome outcome = await Bench.RunAsync(plan, dataOut, default);
                Assert.Equal(outcome.Status == ScsiStatus.CheckCondition, outcome.Condition is not null);
                Assert.Equal(outcome.Status == ScsiStatus.CheckCondition, !outcome.Sense.IsEmpty);
                Assert.True(outcome.Sense.Length <= SenseData.MaxBytes);
                Assert.True(outcome.DataIn.IsEmpty || outcome.Status == ScsiStatus.Good);
            }
            catch (Exception bug)
            {
                Assert.Fail($"seed {seed}, command {i}, LUN {lun:X16}, CDB {Convert.ToHexString(cdb)}, data-out {Convert.ToHexString(dataOut)}: {bug}");
            }
        }

        Assert.True(time.Elapsed < TimeSpan.FromMinutes(1), $"{Commands} commands took {time.Elapsed}.");
    }

    // Half of them of a known opcode with small numbers, so that handlers are reached and not only refusals.
    private static byte[] NextCdb(Random random)
    {
        byte[] cdb = new byte[random.Next(8) == 0 ? random.Next(0, 33) : 16];
        random.NextBytes(cdb);
        if (cdb.Length < 2 || random.Next(4) == 0)
            return cdb;

        CommandDescriptor command = CommandTable.Commands[random.Next(CommandTable.Commands.Length)];
        for (int i = 0; i < cdb.Length; i++)
        {
            if (random.Next(3) != 0)
                cdb[i] = (byte)(i == 1 ? random.Next(0x20) & (1 << random.Next(5)) : random.Next(8) == 0 ? random.Next(40) : 0);
        }

        cdb[0] = command.Opcode;
        if (command.ServiceAction is { } serviceAction)
            cdb[1] = serviceAction;
        if (command.CdbLength <= cdb.Length && random.Next(8) != 0)
            cdb[command.CdbLength - 1] = 0;
        return cdb;
    }

    private static byte[] NextData(Random random)
    {
        byte[] data = new byte[random.Next(4) switch { 0 => 0, 1 => 512, 2 => random.Next(64), _ => random.Next(2048) }];
        if (random.Next(3) != 0)
            random.NextBytes(data);
        for (int i = 0; i < data.Length && random.Next(2) == 0; i++)
            data[i] = (byte)random.Next(20);
        return data;
    }
}

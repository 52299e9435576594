using System.Buffers.Binary;
using System.Globalization;
using Newtonsoft.Json.Linq;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;

namespace Qcow2Target.EndToEnd.Tests.Fuzzing;

/// <summary>Looks at a target between two conversations: nothing of the last one may be left but what was written by right.</summary>
internal static class FuzzJudge
{
    private const byte Register = 6, Clear = 3, LunReset = 5, ReservationConflict = 0x18;
    private const ulong Key = 0x1D6E;
    private const long MostMemory = 1536L << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <exception cref="FuzzFinding">Something is left that should not be, or has changed.</exception>
    public static async Task JudgeAsync(FuzzTarget target)
    {
        target.Daemon.MustBeAlive();
        await NobodyIsLeftAsync(target);
        try
        {
            await using InitiatorSession judge = await target.LogInAsync();
            // Persistent reservations stay by right when their sessions have gone, and anybody may clear them.
            foreach (int lun in new[] { 0, 1, 3 })
            {
                await MustAsync(judge, FuzzTarget.ReserveOut(lun, Register, 0, 0, Key), "after the end of all sessions");
                await MustAsync(judge, FuzzTarget.ReserveOut(lun, Clear, 0, Key, 0), "with a key of its own");
            }
            if (await judge.ManageAsync(LunReset) is not 0 and var response) throw new FuzzFinding($"LUN RESET with nothing under way answers {response}");
            byte[] modes = new byte[target.Modes.Length];
            await MustAsync(judge, FuzzTarget.ModeSense(modes), "after a LUN RESET");
            if (!modes.AsSpan().SequenceEqual(target.Modes)) throw new FuzzFinding($"after a LUN RESET the mode pages are {Convert.ToHexStringLower(modes[..64])}, not {Convert.ToHexStringLower(target.Modes[..64])}");
            foreach ((int lun, DiskModel model) in new[] { (0, target.Scratch), (1, target.ReadOnly), (2, target.Guarded) })
            {
                await MustAsync(judge, Cdb.TestUnitReady() with { Lun = lun }, "of a disk that was read before");
                model.Check(await FuzzTarget.ReadAsync(judge, lun), $"{target.Name}, LUN {lun}");
            }
            await GuardHoldsAsync(judge, target);
            await judge.LogoutAsync();
        }
        catch (Exception fault) when (fault is IOException or LoginRefusedException or TimeoutException)
        {
            throw new FuzzFinding($"a well-behaved initiator is not served: {fault.Message}", fault);
        }
        if (Memory(target.Daemon) > MostMemory) throw new FuzzFinding($"the daemon has {Memory(target.Daemon) >> 20} MiB of memory");
    }

    /// <summary>Resident bytes of the daemon.</summary>
    public static long Memory(DaemonProcess daemon) =>
        long.Parse(File.ReadAllText($"/proc/{daemon.ProcessId}/statm").Split(' ')[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize;

    public static int Threads(DaemonProcess daemon) => Directory.GetDirectories($"/proc/{daemon.ProcessId}/task").Length;

    private static async Task NobodyIsLeftAsync(FuzzTarget target)
    {
        JArray nexuses = [];
        for (long start = Environment.TickCount64; Environment.TickCount64 - start < Patience.TotalMilliseconds; await Task.Delay(2))
        {
            JObject list = await target.Daemon.ListAsync();
            nexuses = (JArray)list[target.Name]!["it_nexuses"]!;
            if (nexuses.Count == 0) return;
        }
        throw new FuzzFinding($"all connections are closed, and {Patience.TotalSeconds} s later there are still {nexuses.ToString(Newtonsoft.Json.Formatting.None)}");
    }

    /// <summary>The command is GOOD once its unit attentions are told, and once an operation that has the whole medium is over.</summary>
    private static async Task MustAsync(InitiatorSession judge, ScsiCommand command, string when)
    {
        long start = Environment.TickCount64;
        for (int attentions = 0; ;)
        {
            ScsiResult result = await judge.ExecuteAsync(command);
            if (result.IsGood) return;
            if (result.Sense >> 16 == 0x06 && ++attentions <= 12) continue;
            bool waits = result.Sense >> 16 == 0x02 || result.Status == ScsiResult.Busy;
            if (!waits || Environment.TickCount64 - start > Patience.TotalMilliseconds)
                throw new FuzzFinding($"{command} of LUN {command.Lun} {when}: {(result.Status == ReservationConflict ? "reservation conflict" : result.ToString())}");
            await Task.Delay(5);
        }
    }

    private static async Task GuardHoldsAsync(InitiatorSession judge, FuzzTarget target)
    {
        byte[] reservation = new byte[24];
        await MustAsync(judge, new ScsiCommand([0x5E, 1, 0, 0, 0, 0, 0, 0, 24, 0]) { DataIn = reservation, Lun = 2 }, "of the guarded disk");
        ulong key = BinaryPrimitives.ReadUInt64BigEndian(reservation.AsSpan(8));
        if (key != target.GuardKey || (reservation[21] & 0x0F) != 1) throw new FuzzFinding($"the guard's reservation is gone: {Convert.ToHexStringLower(reservation)}");
    }
}

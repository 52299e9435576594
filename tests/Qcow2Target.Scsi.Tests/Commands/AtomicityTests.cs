using System.Buffers.Binary;
using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

/// <summary>
/// COMPARE AND WRITE against every command that writes (SBC-3 5.3): one that comes between the comparison and the write waits, and its
/// effect stands in the end. The list of writers is the command table's, so that a new one cannot be forgotten.
/// </summary>
public sealed class AtomicityTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private static readonly byte[] Sent = [.. Enumerable.Repeat((byte)0xB2, 512)];
    private readonly Bench _bench = new(new MemoryBlockDevice(blocks: 64));

    public static TheoryData<string> Writers
    {
        get
        {
            string[] writeNothing =
            [
                "MODE SELECT (6)", "MODE SELECT (10)", "START STOP UNIT", "SEND DIAGNOSTIC", "PREVENT ALLOW MEDIUM REMOVAL", "SYNCHRONIZE CACHE (10)",
                "SYNCHRONIZE CACHE (16)", "SANITIZE: EXIT FAILURE MODE",
            ];
            return [.. CommandTable.Commands.ToArray()
                .Where(command => command.Access == Scsi.Reservations.ReservationAccess.Write)
                .Select(command => command.Name)
                .Except(writeNothing)];
        }
    }

    [Theory]
    [MemberData(nameof(Writers))]
    public async Task No_command_writes_between_the_comparison_and_the_write(string name)
    {
        CommandDescriptor command = CommandTable.Commands.ToArray().Single(row => row.Name == name);
        (byte[] cdb, byte[] data, byte after) = Request(command);
        byte[] fresh = [.. Enumerable.Repeat((byte)0xA1, 512)];
        Task<ScsiOutcome>? other = null;
        _bench.Device.BeforeAsync = () =>
        {
            if (other is not null)
                return;
            other = Task.CompletedTask.ContinueWith(_ => ScsiOutcome.Busy, TaskScheduler.Default);   // the hook is entered once
            other = Bench.RunAsync(_bench.Begin(cdb, data.Length), data, default).AsTask();
            Assert.False(other.IsCompleted, "it did not wait");
            Assert.Equal(-1, _bench.Device.Bytes.AsSpan(0, 512).IndexOfAnyExcept((byte)0));
        };

        Assert.Equal("Good", _bench.Refusal(TestCdbOf(1), [.. new byte[512], .. fresh]));

        ScsiOutcome outcome = await other!.WaitAsync(Limit);
        Assert.Equal(command.Name == "COMPARE AND WRITE" ? ScsiStatus.CheckCondition : ScsiStatus.Good, outcome.Status);
        Assert.Equal(-1, _bench.Device.Bytes.AsSpan(0, 512).IndexOfAnyExcept(after));
    }

    private static byte[] TestCdbOf(byte blocks) => [0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, blocks, 0, 0];

    /// <summary>A command that writes block 0 where it finds zeros or the new block, and what is there when it was last.</summary>
    private (byte[] Cdb, byte[] Data, byte After) Request(CommandDescriptor command)
    {
        switch (command.Opcode)
        {
            case 0x04:
                return ([0x04], [], 0);
            case 0x42:
                return ([0x42, 0, 0, 0, 0, 0, 0, 0, 24], [0, 22, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0], 0);
            case 0x48 when command.ServiceAction == 1:
                return ([0x48, 1, 0, 0, 0, 0, 0, 0, 5], [1, 0, 0, 1, 0xB2], 0xB2);
            case 0x48:
                return ([0x48, command.ServiceAction!.Value], [], 0);
            case 0x83:
                byte[] list = CopyOfBlock1();
                _bench.Device.Bytes.AsSpan(512, 512).Fill(0xB2);
                return ([0x83, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (byte)list.Length], list, 0xB2);
            case 0x89:
                return (TestCdbOf(1), [.. new byte[512], .. Sent], 0xA1);   // finds what the first one wrote
            case 0x8B:
                return (TestCdb.Sixteen(0x8B, 0, 1), Sent, 0xA1 | 0xB2);
            default:
                return (TestCdb.Of(command.Opcode, 0, 1, command.Opcode is 0x2E or 0xAE or 0x8E ? (byte)0x02 : (byte)0), Sent, 0xB2);
        }
    }

    private byte[] CopyOfBlock1()
    {
        byte[] page = _bench.Data([0x12, 1, 0x83, 0, 255]);
        byte[] list = new byte[16 + 32 + 28];
        list[0] = 1;
        list[3] = 32;
        list[11] = 28;
        list[16] = 0xE4;
        page.AsSpan(4, 4 + page[7]).CopyTo(list.AsSpan(20));
        BinaryPrimitives.WriteInt32BigEndian(list.AsSpan(16 + 28), 512);
        list[48] = 0x02;
        list[51] = 0x18;
        list[48 + 11] = 1;
        list[48 + 19] = 1;   // from block 1 to block 0
        return list;
    }
}

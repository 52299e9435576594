using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Iscsi.Tests.Support;
using Qcow2Target.Testing;

namespace Qcow2Target.Iscsi.Tests.Sessions;

/// <summary>The promise of the fast path: nothing is allocated for a command once buffers and tasks are there.</summary>
public sealed class AllocationTests
{
    private const int Warm = 2000;
    private const int Counted = 2000;
    private const int Rounds = 5;

    [Fact]
    public void A_cached_read_allocates_nothing()
    {
        var session = new SessionHarness();
        Assert.Equal(0, Measure(session, session.CommandPdu(ScriptedInitiator.Cdb16(FakeExecutor.Read, 0, 8), 4096, true, false, true, 0, 1), []));
    }

    [Fact]
    public void An_in_place_write_allocates_nothing()
    {
        var session = new SessionHarness();
        session.Executor.RecordsWrites = false;
        Assert.Equal(0, Measure(session, session.CommandPdu(ScriptedInitiator.Cdb16(FakeExecutor.Write, 0, 8), 4096, false, true, true, 0, 1), new byte[4096]));
    }

    private static long Measure(SessionHarness session, ScsiCommandPdu command, byte[] data)
    {
        var bytes = session.Bytes(command, data);
        var cmdSn = command.CmdSn;
        for (var i = 0; i < Warm; i++) Run(session, bytes, cmdSn++);
        // The runtime has small things of its own to make now and then (240 bytes, where other tests load types beside this one). What a command allocates
        // is there in every round.
        var least = long.MaxValue;
        for (var round = 0; round < Rounds; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < Counted; i++) Run(session, bytes, cmdSn++);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(Warm + (Rounds * Counted), session.Executor.Begun);
        Assert.Equal(Warm + (Rounds * Counted), session.Executor.Gone);
        return least;
    }

    private static void Run(SessionHarness session, byte[] command, uint cmdSn)
    {
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(command.AsSpan(24), cmdSn);
        session.Machine.Receive(command);
        while (session.Machine.TryPeekOutput(out var output)) session.Machine.Advance(output.Length);
    }
}

using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>Task attributes (SAM-5 8.6): what VPD page 86h promises of ORDERED and HEAD OF QUEUE, seen behind a write whose data are still to come.</summary>
public sealed class TaskOrderTests(DaemonFixture fixture) : IClassFixture<DaemonFixture>, IAsyncLifetime
{
    private const byte Simple = 1, Ordered = 2, HeadOfQueue = 3, TaskSetFull = 0x28;
    private readonly DaemonProcess _daemon = fixture.Daemon;
    private readonly string _target = $"iqn.2018-05.local:order-{Guid.NewGuid():n}";

    public async Task InitializeAsync()
    {
        await _daemon.AddTargetAsync(_target);
        for (int lun = 0; lun < 2; lun++)
        {
            string disk = $"{Guid.NewGuid():n}.qcow2";
            QemuImg.Create(_daemon.Disk(disk), 1 << 20);
            await _daemon.AttachAsync(_target, disk);
        }
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task An_ordered_command_waits_for_those_before_it_and_those_behind_it_wait_for_it()
    {
        using ScriptedSession session = await ReadyAsync();
        (uint write, RawPdu r2t) = await session.StartWriteAsync(0, 1);
        uint ordered = await ReadAsync(session, Ordered);
        uint tested = await TestAsync(session, Ordered);
        uint behind = await ReadAsync(session, Simple);
        uint elsewhere = await ReadAsync(session, Simple, lun: 1);
        uint head = await ReadAsync(session, HeadOfQueue);

        Assert.Equal((elsewhere, (byte)0), await DataAsync(session));
        Assert.Equal((head, (byte)0), await DataAsync(session));
        await session.AnswerAsync(r2t, write, 0x5A);

        Assert.Equal(write, (await session.ReceiveAsync(Opcodes.ScsiResponse)).TaskTag);
        Assert.Equal((ordered, (byte)0x5A), await DataAsync(session));
        RawPdu ready = await session.ReceiveAsync(Opcodes.ScsiResponse);
        Assert.Equal((tested, (byte)ScsiResult.Good), (ready.TaskTag, ready.Header[3]));
        Assert.Equal((behind, (byte)0x5A), await DataAsync(session));
    }

    [Fact]
    public async Task A_write_behind_an_ordered_command_is_written_after_it()
    {
        using ScriptedSession session = await ReadyAsync();
        (uint first, RawPdu firstR2T) = await session.StartWriteAsync(0, 1);
        uint ordered = await ReadAsync(session, Ordered);
        (uint second, RawPdu secondR2T) = await session.StartWriteAsync(0, 1);
        await session.AnswerAsync(secondR2T, second, 0x22);
        await session.AnswerAsync(firstR2T, first, 0x11);

        Assert.Equal(first, (await session.ReceiveAsync(Opcodes.ScsiResponse)).TaskTag);
        Assert.Equal((ordered, (byte)0x11), await DataAsync(session));
        Assert.Equal(second, (await session.ReceiveAsync(Opcodes.ScsiResponse)).TaskTag);
        uint last = await ReadAsync(session, Simple);
        Assert.Equal((last, (byte)0x22), await DataAsync(session));
    }

    [Fact]
    public async Task An_ordered_command_does_not_wait_for_ever()
    {
        using ScriptedSession session = await ReadyAsync();
        (uint write, RawPdu r2t) = await session.StartWriteAsync(0, 1);
        uint ordered = await ReadAsync(session, Ordered);

        RawPdu full = await session.ReceiveAsync(Opcodes.ScsiResponse);
        Assert.Equal((ordered, TaskSetFull), (full.TaskTag, full.Header[3]));

        await session.AnswerAsync(r2t, write, 0x33);
        Assert.Equal(write, (await session.ReceiveAsync(Opcodes.ScsiResponse)).TaskTag);
        uint again = await ReadAsync(session, Ordered);
        Assert.Equal((again, (byte)0x33), await DataAsync(session));
    }

    [Fact]
    public async Task An_ordered_command_with_data_does_not_wait_for_ever()
    {
        using ScriptedSession session = await ReadyAsync();
        (uint write, RawPdu r2t) = await session.StartWriteAsync(0, 1);
        RawPdu verify = OrderedVerify(session, 0x80, blocks: 1);
        await session.SendAsync(verify);
        await session.AnswerAsync(await session.ReceiveAsync(Opcodes.ReadyToTransfer), verify.TaskTag, 0);

        RawPdu full = await session.ReceiveAsync(Opcodes.ScsiResponse);
        Assert.Equal((verify.TaskTag, TaskSetFull), (full.TaskTag, full.Header[3]));

        await session.AnswerAsync(r2t, write, 0x33);
        Assert.Equal(write, (await session.ReceiveAsync(Opcodes.ScsiResponse)).TaskTag);
    }

    [Fact]
    public async Task An_ordered_command_whose_data_come_in_pieces_is_answered_behind_one_that_is_not_complete()
    {
        using (await ReadyAsync())
        {
        }

        using ScriptedSession session = await ScriptedSession.LoginAsync(
            _daemon.Portal, new SessionOptions { TargetName = _target, ImmediateData = false, InitialR2T = false });
        for (int i = 0; i < 5; i++)
        {
            await TestAsync(session, Simple);
            if ((await session.ReceiveAsync(Opcodes.ScsiResponse)).Header[3] == ScsiResult.Good) break;
        }

        (uint write, RawPdu writeR2T) = await session.StartWriteAsync(0, 1);
        RawPdu verify = OrderedVerify(session, flags: 0, blocks: 8);
        await session.SendAsync(verify);
        await session.SendAsync(new RawPdu(Opcodes.DataOut, 0x80, new byte[1000]) { TaskTag = verify.TaskTag, TransferTag = RawPdu.NoTag });
        RawPdu r2t = await session.ReceiveAsync(Opcodes.ReadyToTransfer);
        RawPdu rest = new(Opcodes.DataOut, 0x80, new byte[3096]) { TaskTag = verify.TaskTag, TransferTag = r2t.TransferTag };
        rest[40] = 1000;
        await session.SendAsync(rest);

        RawPdu full = await session.ReceiveAsync(Opcodes.ScsiResponse);
        Assert.Equal((verify.TaskTag, TaskSetFull), (full.TaskTag, full.Header[3]));

        await session.AnswerAsync(writeR2T, write, 0x33);
        Assert.Equal(write, (await session.ReceiveAsync(Opcodes.ScsiResponse)).TaskTag);
    }

    private async Task<ScriptedSession> ReadyAsync()
    {
        ScriptedSession session = await ScriptedSession.LoginAsync(
            _daemon.Portal, new SessionOptions { TargetName = _target, ImmediateData = false, InitialR2T = true });
        foreach (int lun in new[] { 0, 1 })
        {
            for (int i = 0; ; i++)
            {
                uint tag = await TestAsync(session, Simple, lun);
                RawPdu response = await session.ReceiveAsync(Opcodes.ScsiResponse);
                Assert.Equal(tag, response.TaskTag);
                if (response.Header[3] == ScsiResult.Good)
                    break;
                Assert.True(i < 5, "the unit attentions do not end");
            }
        }

        return session;
    }

    private static async Task<uint> TestAsync(ScriptedSession session, byte attribute, int lun = 0)
    {
        RawPdu command = new(Opcodes.ScsiCommand, (byte)(0x80 | attribute)) { TaskTag = session.NewTag() };
        command.Header[9] = (byte)lun;
        await session.SendAsync(command);
        return command.TaskTag;
    }

    /// <summary>VERIFY(16) with BYTCHK 1 from block 16 on.</summary>
    private static RawPdu OrderedVerify(ScriptedSession session, byte flags, byte blocks)
    {
        RawPdu command = new(Opcodes.ScsiCommand, (byte)(flags | 0x20 | Ordered)) { TaskTag = session.NewTag() };
        command[20] = (uint)(blocks * Cdb.BlockLength);
        byte[] cdb = [0x8F, 0x02, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, blocks, 0, 0];
        cdb.CopyTo(command.Header[32..]);
        return command;
    }

    /// <summary>READ(16) of block 0.</summary>
    private static async Task<uint> ReadAsync(ScriptedSession session, byte attribute, int lun = 0)
    {
        RawPdu command = new(Opcodes.ScsiCommand, (byte)(0x80 | 0x40 | attribute)) { TaskTag = session.NewTag() };
        ScsiCommand read = Cdb.Read16(0, new byte[Cdb.BlockLength]);
        command[20] = Cdb.BlockLength;
        read.Cdb.CopyTo(command.Header[32..]);
        command.Header[9] = (byte)lun;
        await session.SendAsync(command);
        return command.TaskTag;
    }

    /// <summary>Whose data come next, and what they begin with.</summary>
    private static async Task<(uint Tag, byte First)> DataAsync(ScriptedSession session)
    {
        RawPdu data = await session.ReceiveAsync(Opcodes.DataIn);
        return (data.TaskTag, data.Data.Span[0]);
    }
}

using System.Text;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Iscsi.Pdus;

namespace Qcow2Target.EndToEnd.Tests.Refusals;

/// <summary>One test for each way in which a PDU is rejected (RFC 7143 section 11.17.1): the reason, the header that comes back, and a session that goes on.</summary>
public sealed class RejectTests(RefusalFixture fixture) : IClassFixture<RefusalFixture>
{
    private const byte Final = 0x80, Read = 0x40, Write = 0x20, Simple = 0x01;
    private const int MaxImmediateCommands = 16, MaxTextBytes = 64 << 10;

    private static readonly Dictionary<string, Rejection> Rejections = new()
    {
        ["a ping with a broken data digest"] = new(RejectReason.DataDigestError, s => s.SendAsync(new RawPdu(Opcodes.NopOut | Opcodes.Immediate, Final, new byte[8]) { TaskTag = s.NewTag(), TransferTag = RawPdu.NoTag }, Broken)),
        ["a text request with a broken data digest"] = new(RejectReason.DataDigestError, s => s.SendAsync(Text(s, "SendTargets=\0", Opcodes.Text | Opcodes.Immediate), Broken)),

        ["SNACK for data"] = new(RejectReason.SnackReject, s => s.SendAsync(new RawPdu(Opcodes.Snack, Final) { TaskTag = s.NewTag(), TransferTag = RawPdu.NoTag })),
        ["SNACK for a status"] = new(RejectReason.SnackReject, s => s.SendAsync(new RawPdu(Opcodes.Snack, Final | 1) { TaskTag = RawPdu.NoTag, TransferTag = RawPdu.NoTag })),

        ["a login request in full feature phase"] = new(RejectReason.ProtocolError, s => s.SendAsync(new RawPdu(Opcodes.Login | Opcodes.Immediate, RawLogin.OperationalToFull) { TaskTag = s.NewTag() })),
        ["a read that announces data"] = new(RejectReason.ProtocolError, s => s.SendAsync(Command(s, Read | Simple, 512))),
        ["a read that brings data"] = new(RejectReason.ProtocolError, s => s.SendAsync(Command(s, Final | Read | Simple, 512, new byte[512]))),
        ["a text request that both ends and goes on"] = new(RejectReason.ProtocolError, s => s.SendAsync(Text(s, "SendTargets=\0", flags: Final | 0x40))),
        ["a text without an end"] = new(RejectReason.ProtocolError, s => s.SendAsync(Text(s, "SendTargets="))),
        ["SendTargets of another target"] = new(RejectReason.ProtocolError, s => s.SendAsync(Text(s, "SendTargets=iqn.2018-05.local:guarded\0"))),
        ["an unknown key alone"] = new(RejectReason.ProtocolError, s => s.SendAsync(Text(s, "X-unknown=1\0"))),

        ["an opcode that nobody has"] = new(RejectReason.CommandNotSupported, s => s.SendAsync(new RawPdu(0x1E | Opcodes.Immediate) { TaskTag = s.NewTag() })),
        ["an opcode of the vendor's"] = new(RejectReason.CommandNotSupported, s => s.SendAsync(new RawPdu(0x1C | Opcodes.Immediate) { TaskTag = s.NewTag() })),
        ["an opcode of targets"] = new(RejectReason.CommandNotSupported, s => s.SendAsync(new RawPdu(Opcodes.DataIn) { TaskTag = s.NewTag() })),

        ["one immediate command too many"] = new(RejectReason.ImmediateCommandReject, async s =>
        {
            for (int i = 0; i < MaxImmediateCommands; i++)
            {
                await s.SendAsync(WriteOf(s, Opcodes.ScsiCommand | Opcodes.Immediate));
                await s.ReceiveAsync(Opcodes.ReadyToTransfer);
            }
            return await s.SendAsync(WriteOf(s, Opcodes.ScsiCommand | Opcodes.Immediate));
        }),
        ["the tag of a command that is not done"] = new(RejectReason.TaskInProgress, async s =>
        {
            (uint tag, _) = await s.StartWriteAsync(0, 8);
            return await s.SendAsync(new RawPdu(Opcodes.ScsiCommand, Final | Simple) { TaskTag = tag });
        }),

        ["a command without a tag"] = new(RejectReason.InvalidPduField, s => s.SendAsync(new RawPdu(Opcodes.ScsiCommand, Final | Simple) { TaskTag = RawPdu.NoTag })),
        ["a command that both reads and writes"] = new(RejectReason.InvalidPduField, s => s.SendAsync(Command(s, Final | Read | Write | Simple, 512))),
        ["a command that expects data of no direction"] = new(RejectReason.InvalidPduField, s => s.SendAsync(Command(s, Final | Simple, 512))),
        ["a reserved task attribute"] = new(RejectReason.InvalidPduField, s => s.SendAsync(new RawPdu(Opcodes.ScsiCommand, Final | 6) { TaskTag = s.NewTag() })),
        ["an additional header of an unknown type"] = new(RejectReason.InvalidPduField, s => s.SendAsync(Command(s, Final | Read | Simple, 512), bytes => WithAdditional(bytes, [0, 5, 0x2A, 0, 0, 0, 0, 0]))),
        ["an additional header for a bidirectional read"] = new(RejectReason.InvalidPduField, s => s.SendAsync(Command(s, Final | Read | Simple, 512), bytes => WithAdditional(bytes, [0, 5, 2, 0, 0, 0, 2, 0]))),
        ["an additional header longer than there is"] = new(RejectReason.InvalidPduField, s => s.SendAsync(Command(s, Final | Read | Simple, 512), bytes => WithAdditional(bytes, [0, 200, 1, 0]))),
        ["data for a command that never was"] = new(RejectReason.InvalidPduField, s => s.SendAsync(new RawPdu(Opcodes.DataOut, Final, new byte[512]) { TaskTag = 0x00BADBAD, TransferTag = 7 })),
        ["a text request without a tag"] = new(RejectReason.InvalidPduField, s => s.SendAsync(new RawPdu(Opcodes.Text, Final, "SendTargets=\0"u8.ToArray()) { TaskTag = RawPdu.NoTag, TransferTag = RawPdu.NoTag })),
        ["a text request that goes on with an unknown tag"] = new(RejectReason.InvalidPduField, s => s.SendAsync(new RawPdu(Opcodes.Text, Final) { TaskTag = s.NewTag(), TransferTag = 0x77 })),
        ["a task management function without a tag"] = new(RejectReason.InvalidPduField, s => s.SendAsync(new RawPdu(Opcodes.TaskManagement | Opcodes.Immediate, Final | 5) { TaskTag = RawPdu.NoTag })),
        ["a logout without a tag"] = new(RejectReason.InvalidPduField, s => s.SendAsync(new RawPdu(Opcodes.Logout | Opcodes.Immediate, Final) { TaskTag = RawPdu.NoTag })),
        ["a logout for an unknown reason"] = new(RejectReason.InvalidPduField, s => s.SendAsync(new RawPdu(Opcodes.Logout | Opcodes.Immediate, Final | 3) { TaskTag = s.NewTag() })),

        ["a text longer than one may be"] = new(RejectReason.LongOperationReject, s => s.SendAsync(Text(s, new string('a', MaxTextBytes + 1)))),
    };

    /// <summary>Why no PDU here can meet a reason, or where it is tried instead.</summary>
    private static readonly Dictionary<RejectReason, string> Elsewhere = new()
    {
        [RejectReason.InvalidDataAck] = "needs a SNACK of type DataACK at error recovery level 1 and up; any SNACK is 0x03 here",
        [RejectReason.WaitingForLogout] = $"ends the session: {nameof(LogoutTests)}.{nameof(LogoutTests.A_command_after_the_request_to_log_out_is_rejected)}",
    };

    public static TheoryData<string> Names => [.. Rejections.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_pdu_is_rejected_with_its_reason_and_the_session_goes_on(string because)
    {
        Rejection rejection = Rejections[because];
        SessionOptions options = fixture.Options with { ImmediateData = false, InitialR2T = true, DataDigest = rejection.Reason == RejectReason.DataDigestError ? "CRC32C" : "None" };
        using ScriptedSession session = await ScriptedSession.LoginAsync(fixture.Daemon.Portal, options);
        await session.TestUnitReadyAsync();
        byte[] sent = await rejection.ProvokeAsync(session);
        RawPdu reject = await session.ReceiveAsync(Opcodes.Reject);
        Assert.Equal(rejection.Reason, (RejectReason)reject.Header[2]);
        Assert.Equal(RawPdu.NoTag, reject.TaskTag);
        Assert.Equal(sent[..RawPdu.HeaderLength], reject.Data.ToArray());
        Assert.Equal(ScsiResult.Good, (await session.TestUnitReadyAsync()).Header[3]);
    }

    [Fact]
    public void Every_reason_is_given_or_has_a_reason_why_not()
    {
        Assert.Equal(Enum.GetValues<RejectReason>().Order(), Rejections.Values.Select(rejection => rejection.Reason).Distinct().Concat(Elsewhere.Keys).Order());
    }

    [Theory]
    [InlineData("a command", Opcodes.ScsiCommand, 0x81)]
    [InlineData("a task management function", Opcodes.TaskManagement, 0x85)]
    [InlineData("data", Opcodes.DataOut, 0x80)]
    [InlineData("a login request", Opcodes.Login, 0x87)]
    public async Task A_discovery_session_rejects_what_only_a_normal_one_knows(string what, byte opcode, byte flags)
    {
        using ScriptedSession session = await ScriptedSession.LoginAsync(fixture.Daemon.Portal, new SessionOptions());
        byte[] sent = await session.SendAsync(new RawPdu((byte)(opcode | Opcodes.Immediate), flags) { TaskTag = session.NewTag() });
        RawPdu reject = await session.ReceiveAsync(Opcodes.Reject);
        Assert.True((RejectReason)reject.Header[2] == RejectReason.ProtocolError, what);
        Assert.Equal(sent, reject.Data.ToArray());
        Assert.NotEmpty(await session.AskAsync("SendTargets=All\0"));
    }

    private static RawPdu Command(ScriptedSession session, byte flags, uint expected, byte[]? data = null)
    {
        RawPdu command = new(Opcodes.ScsiCommand, flags, data ?? []) { TaskTag = session.NewTag() };
        command[20] = expected;
        Cdb.Read16(0, new byte[512]).Cdb.CopyTo(command.Header[32..]);
        return command;
    }

    private static RawPdu WriteOf(ScriptedSession session, byte opcode)
    {
        RawPdu command = new(opcode, Final | Write | Simple) { TaskTag = session.NewTag() };
        command[20] = 512;
        Cdb.Write16(0, new byte[512]).Cdb.CopyTo(command.Header[32..]);
        return command;
    }

    private static RawPdu Text(ScriptedSession session, string text, byte opcode = Opcodes.Text, byte flags = Final) =>
        new(opcode, flags, Encoding.UTF8.GetBytes(text)) { TaskTag = session.NewTag(), TransferTag = RawPdu.NoTag };

    private static byte[] Broken(byte[] bytes)
    {
        bytes[^1] ^= 0x10;
        return bytes;
    }

    private static byte[] WithAdditional(byte[] bytes, byte[] additional)
    {
        bytes[4] = (byte)(additional.Length / 4);
        return [.. bytes[..RawPdu.HeaderLength], .. additional, .. bytes[RawPdu.HeaderLength..]];
    }

    /// <param name="Reason">What the Reject says.</param>
    /// <param name="ProvokeAsync">Sends what is rejected, and gives its bytes.</param>
    private sealed record Rejection(RejectReason Reason, Func<ScriptedSession, Task<byte[]>> ProvokeAsync);
}

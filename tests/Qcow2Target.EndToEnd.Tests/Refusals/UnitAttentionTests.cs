using System.Reflection;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Scsi.Sense;
using Qcow2Target.Testing;
using static Qcow2Target.EndToEnd.Tests.Refusals.RefusalFixture;

namespace Qcow2Target.EndToEnd.Tests.Refusals;

/// <summary>What one nexus is told because of what another, or an operator, has done (SAM-5 5.14): each attention once, then GOOD.</summary>
public sealed class UnitAttentionTests(RefusalFixture fixture) : IClassFixture<RefusalFixture>
{
    private const byte ClearTaskSet = 4, LunReset = 5, TargetWarmReset = 6, TargetColdReset = 7;

    /// <summary>By name: the member of UnitAttention, the LUN, and what the other nexus does. It gets both sessions: who is told, and who acts.</summary>
    private static readonly Dictionary<string, Cause> Causes = new()
    {
        ["a reset of the disk"] = new(nameof(UnitAttention.DeviceReset), "6/29/03", Plain, (_, _, other) => ManageAsync(other.Session, LunReset, Plain)),
        ["a warm reset of the target"] = new(nameof(UnitAttention.BusReset), "6/29/02", Plain, (_, _, other) => ManageAsync(other.Session, TargetWarmReset, 0)),
        ["a task set that is cleared"] = new(nameof(UnitAttention.CommandsCleared), "6/2F/00", Plain, async (_, told, other) =>
        {
            await told.Session.StartWriteAsync(0, 8);
            await ManageAsync(other.Session, ClearTaskSet, Plain);
        }),
        ["mode parameters that change"] = new(nameof(UnitAttention.ModeParametersChanged), "6/2A/01", Growing, async (_, told, other) =>
        {
            await other.MustAsync(other.SelectControlAsync(2, 0x04, Growing));
            await other.MustAsync(other.SelectControlAsync(2, 0x04, Growing));
        }),
        ["registrations that are cleared"] = new(nameof(UnitAttention.ReservationsPreempted), "6/2A/03", Plain, async (_, told, other) =>
        {
            await told.MustAsync(told.ReserveAsync(6, 0, 0xA));
            await other.MustAsync(other.ReserveAsync(6, 0, 0xB));
            await other.MustAsync(other.ReserveAsync(3, 0xB, 0));
        }),
        ["a reservation of all registrants that is released"] = new(nameof(UnitAttention.ReservationsReleased), "6/2A/04", Growing, async (_, told, other) =>
        {
            await told.MustAsync(told.ReserveAsync(6, 0, 0xA, lun: Growing));
            await other.MustAsync(other.ReserveAsync(6, 0, 0xB, lun: Growing));
            await other.MustAsync(other.ReserveAsync(1, 0xB, 0, type: 5, lun: Growing));
            await other.MustAsync(other.ReserveAsync(2, 0xB, 0, type: 5, lun: Growing));
            await other.MustAsync(other.ReserveAsync(6, 0, 0, lun: Growing));
        }),
        ["a registration that is preempted"] = new(nameof(UnitAttention.RegistrationsPreempted), "6/2A/05", Plain, async (_, told, other) =>
        {
            await told.MustAsync(told.ReserveAsync(6, 0, 0xA));
            await other.MustAsync(other.ReserveAsync(6, 0, 0xB));
            await other.MustAsync(other.ReserveAsync(4, 0xB, 0xA, type: 1));
            await other.MustAsync(other.ReserveAsync(6, 0, 0));
        }),
        ["a disk that grows"] = new(nameof(UnitAttention.CapacityChanged), "6/2A/09", Growing, (daemon, _, _) =>
            daemon.MustAsync("RESIZE", new { target_name = Open, lun_id = Growing, size = GrowingBytes + (1 << 20) })),
        ["a medium that is loaded"] = new(nameof(UnitAttention.MediumMayHaveChanged), "6/28/00", Removable, async (_, _, other) =>
        {
            await other.MustAsync(other.RunAsync([0x1B, 0, 0, 0, 2, 0], lun: Removable));
            await other.MustAsync(other.RunAsync([0x1B, 0, 0, 0, 3, 0], lun: Removable));
        }),
    };

    private static readonly Dictionary<string, string> Elsewhere = new()
    {
        [nameof(UnitAttention.PowerOn)] = nameof(A_nexus_is_told_of_power_on_and_when_it_comes_back_of_its_loss),
        [nameof(UnitAttention.NexusLoss)] = nameof(A_nexus_is_told_of_power_on_and_when_it_comes_back_of_its_loss),
        [nameof(UnitAttention.PowerOnOccurred)] = nameof(Who_comes_back_after_a_cold_reset_is_told_of_it),
        [nameof(UnitAttention.ReportedLunsChanged)] = nameof(A_lun_that_comes_and_a_disk_that_takes_the_place_of_another_are_told_of),
        [nameof(UnitAttention.InquiryDataChanged)] = nameof(A_lun_that_comes_and_a_disk_that_takes_the_place_of_another_are_told_of),
    };

    public static TheoryData<string> Names => [.. Causes.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_nexus_is_told_once_of(string what)
    {
        Cause cause = Causes[what];
        using RawCommands told = await RawCommands.LoginAsync(fixture);
        using RawCommands other = await RawCommands.LoginAsync(fixture);
        await cause.HappenAsync(fixture.Daemon, told, other);
        Assert.Equal(cause.Sense, (await told.RunAsync([0, 0, 0, 0, 0, 0], lun: cause.Lun)).Describe());
        Assert.Equal(ScsiResult.Good, (await told.RunAsync([0, 0, 0, 0, 0, 0], lun: cause.Lun)).Status);
        await told.MustAsync(told.ReserveAsync(6, 0, 0, lun: cause.Lun));   // no registration is left to the next test
    }

    [Fact]
    public async Task A_nexus_is_told_of_power_on_and_when_it_comes_back_of_its_loss()
    {
        SessionOptions options = fixture.Options with { Isid = 0x80_00_00_00_CC_01 };
        foreach (string sense in new[] { "6/29/00", "6/29/07" })
        {
            using RawCommands session = await RawCommands.LoginAsync(fixture.Daemon, options);
            Assert.Equal(sense, (await session.RunAsync([0, 0, 0, 0, 0, 0])).Describe());
            Assert.Equal(ScsiResult.Good, (await session.RunAsync([0, 0, 0, 0, 0, 0])).Status);
        }
    }

    /// <summary>A reset is told before the loss of a nexus, and in its place (SAM-5 5.14): who was connected at the reset must not take it for a broken cable.</summary>
    [Fact]
    public async Task Who_comes_back_after_a_cold_reset_is_told_of_it()
    {
        const string target = "iqn.2018-05.local:cold";
        await fixture.Daemon.AddTargetAsync(target);
        QemuImg.Create(fixture.Daemon.Disk("cold.qcow2"), 1 << 20);
        await fixture.Daemon.AttachAsync(target, "cold.qcow2");
        SessionOptions options = new() { TargetName = target, Isid = 0x80_00_00_00_CC_02 };
        using (RawCommands session = await RawCommands.LoginAsync(fixture.Daemon, options))
        {
            await session.TakeAttentionsAsync();
            await ManageAsync(session.Session, TargetColdReset, 0);
            await session.Session.MustEndAsync();
        }
        foreach (string sense in new[] { "6/29/01", "6/29/07" })
        {
            using RawCommands session = await RawCommands.LoginAsync(fixture.Daemon, options);
            Assert.Equal(sense, (await session.RunAsync([0, 0, 0, 0, 0, 0])).Describe());
            Assert.Equal(ScsiResult.Good, (await session.RunAsync([0, 0, 0, 0, 0, 0])).Status);
        }
    }

    [Fact]
    public async Task A_lun_that_comes_and_a_disk_that_takes_the_place_of_another_are_told_of()
    {
        const string target = "iqn.2018-05.local:changing";
        await fixture.Daemon.AddTargetAsync(target);
        foreach (string disk in new[] { "one.qcow2", "two.qcow2", "three.qcow2" }) QemuImg.Create(fixture.Daemon.Disk(disk), 1 << 20);
        await fixture.Daemon.AttachAsync(target, "one.qcow2");
        using RawCommands session = await RawCommands.LoginAsync(fixture.Daemon, new SessionOptions { TargetName = target });
        await session.TakeAttentionsAsync();
        Assert.Equal(1, await fixture.Daemon.AttachAsync(target, "two.qcow2"));
        await AsyncEventAsync(session);
        Assert.Equal("6/3F/0E", (await session.RunAsync([0, 0, 0, 0, 0, 0])).Describe());
        await session.TakeAttentionsAsync(1);
        await fixture.Daemon.DetachAsync(target, 1);
        await AsyncEventAsync(session);
        Assert.Equal("6/3F/0E", (await session.RunAsync([0, 0, 0, 0, 0, 0])).Describe());
        Assert.Equal(1, await fixture.Daemon.AttachAsync(target, "three.qcow2"));
        await AsyncEventAsync(session);
        List<string> told = [];
        while (await session.RunAsync([0, 0, 0, 0, 0, 0], lun: 1) is { Status: ScsiResult.CheckCondition } answer) told.Add(answer.Describe());
        Assert.Equal(["6/29/00", "6/3F/03", "6/3F/0E"], told);
    }

    [Fact]
    public void Every_attention_is_raised_or_has_a_reason_why_not()
    {
        IEnumerable<string> named = typeof(UnitAttention).GetProperties(BindingFlags.Public | BindingFlags.Static).Select(member => member.Name);
        Assert.Equal(named.Order(), Causes.Values.Select(cause => cause.Name).Concat(Elsewhere.Keys).Order());
    }

    private static async Task AsyncEventAsync(RawCommands session)
    {
        RawPdu message = await session.Session.ReceiveAsync(Opcodes.AsyncMessage);
        Assert.Equal(0, message.Header[36]);
        Assert.Equal([0x06, 0x3F, 0x0E], new[] { message.Data.Span[4] & 0x0F, message.Data.Span[14], message.Data.Span[15] });
    }

    private static async Task ManageAsync(ScriptedSession session, byte function, int lun)
    {
        RawPdu request = new(Opcodes.TaskManagement | Opcodes.Immediate, (byte)(0x80 | function)) { TaskTag = session.NewTag(), TransferTag = RawPdu.NoTag, Lun = (ulong)lun << 48 };
        await session.SendAsync(request);
        Assert.Equal(0, (await session.ReceiveAsync(Opcodes.TaskManagementResponse)).Header[2]);
    }

    private sealed record Cause(string Name, string Sense, int Lun, Func<DaemonProcess, RawCommands, RawCommands, Task> HappenAsync);
}

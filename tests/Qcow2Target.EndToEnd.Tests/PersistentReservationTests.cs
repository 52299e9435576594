using System.Buffers.Binary;
using Newtonsoft.Json.Linq;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>Persistent reservations where they leave the unit: the state file, and the tasks of other sessions.</summary>
public sealed class PersistentReservationTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const string Target = "iqn.2018-05.local:reservations";
    private const byte Register = 0, Reserve = 1, PreemptAndAbort = 5, RegisterAndIgnore = 6;
    private const byte WriteExclusiveRegistrantsOnly = 5, ExclusiveAccess = 3;
    private const byte ReservationConflict = 0x18;
    private const int RegistrationsPreempted = 0x06_2A_05;
    private const int InternalTargetFailure = 0x04_44_00;

    private static readonly SessionOptions A = new() { TargetName = Target, Isid = 0x80_00_00_00_00_0A, ImmediateData = false, InitialR2T = true };
    private static readonly SessionOptions B = A with { Isid = 0x80_00_00_00_00_0B };
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync()
    {
        _daemon = await DaemonProcess.StartAsync(output);
        QemuImg.Create(_daemon.Disk("a.qcow2"), 1 << 20);
        await _daemon.AddTargetAsync(Target);
        await _daemon.AttachAsync(Target, "a.qcow2");
    }

    public Task DisposeAsync() => _daemon.EndCleanlyAsync();

    [Fact]
    public async Task With_aptpl_a_reservation_outlives_the_daemon()
    {
        await using (InitiatorSession a = await InitiatorSession.ReadyAsync(_daemon.Portal, A))
        {
            await a.MustAsync(Out(Register, 0, 0, 0xFEDC_BA98_7654_3210, survivesPowerLoss: 1));
            await a.MustAsync(Out(Reserve, ExclusiveAccess, 0xFEDC_BA98_7654_3210, 0));
        }
        await _daemon.KillAsync();
        await _daemon.StartAgainAsync();

        byte[] block = new byte[512];
        await using InitiatorSession b = await InitiatorSession.ReadyAsync(_daemon.Portal, B);
        Assert.Equal(ReservationConflict, (await b.ExecuteAsync(Cdb.Read16(0, block))).Status);
        await using InitiatorSession back = await InitiatorSession.ReadyAsync(_daemon.Portal, A);
        await back.MustAsync(Cdb.Read16(0, block));

        await back.MustAsync(Out(RegisterAndIgnore, 0, 0, 0));
        await b.MustAsync(Cdb.Read16(0, block));
        await back.DisposeAsync();
        await b.DisposeAsync();
        await _daemon.StopAsync();
        await _daemon.StartAgainAsync();
        await using InitiatorSession free = await InitiatorSession.ReadyAsync(_daemon.Portal, B);
        await free.MustAsync(Cdb.Read16(0, block));
    }

    [Fact]
    public async Task What_could_not_be_saved_is_not_in_force_after_a_restart_either()
    {
        string hindrance = Path.Combine(_daemon.StateFolder, "state.json.new");
        QemuImg.Create(_daemon.Disk("b.qcow2"), 1 << 20);
        await using (InitiatorSession a = await InitiatorSession.ReadyAsync(_daemon.Portal, A))
        {
            Directory.CreateDirectory(hindrance);
            ScsiResult refused = await a.ExecuteAsync(Out(Register, 0, 0, 0xA, survivesPowerLoss: 1));
            Assert.Equal((ScsiResult.CheckCondition, InternalTargetFailure), (refused.Status, refused.Sense));
            JObject attach = await _daemon.RequestAsync("ATTACH", new { disk_path = "b.qcow2", target_name = Target });
            Assert.NotEqual("", attach.Value<string>("error"));
        }
        Directory.Delete(hindrance);
        await _daemon.AddTargetAsync(Target + "-2");   // saves all there is
        await _daemon.KillAsync();
        await _daemon.StartAgainAsync();

        Assert.Single((await _daemon.ListAsync())[Target]!["logical_units"]!);
        await using InitiatorSession again = await InitiatorSession.ReadyAsync(_daemon.Portal, A);
        Assert.Equal(0u, await KeysAsync(again));
    }

    [Fact]
    public async Task A_file_that_took_the_place_of_another_while_the_daemon_was_down_has_none_of_its_reservations()
    {
        await using (InitiatorSession a = await InitiatorSession.ReadyAsync(_daemon.Portal, A))
        {
            await a.MustAsync(Out(Register, 0, 0, 0xA, survivesPowerLoss: 1));
            await a.MustAsync(Out(Reserve, ExclusiveAccess, 0xA, 0));
        }
        await _daemon.StopAsync();
        File.Move(_daemon.Disk("a.qcow2"), _daemon.Disk("job-1.qcow2"));
        QemuImg.Create(_daemon.Disk("a.qcow2"), 1 << 20);
        await _daemon.StartAgainAsync();
        byte[] block = new byte[512];
        await using (InitiatorSession b = await InitiatorSession.ReadyAsync(_daemon.Portal, B))
        {
            await b.MustAsync(Cdb.Read16(0, block));
            Assert.Equal(0u, await KeysAsync(b));
        }
        Assert.Contains("persistent reservations (1 registrations) are dropped", _daemon.Log, StringComparison.Ordinal);

        string state = Path.Combine(_daemon.StateFolder, "state.json");
        await Eventually.That(() => !File.ReadAllText(state).Contains("registrations", StringComparison.Ordinal));
    }

    /// <summary>How many bytes of keys READ KEYS tells of: 8 for each registration.</summary>
    private static async Task<uint> KeysAsync(InitiatorSession session)
    {
        byte[] keys = new byte[64];
        await session.ExecuteAsync(new ScsiCommand([0x5E, 0, 0, 0, 0, 0, 0, 0, 64, 0]) { DataIn = keys });
        return BinaryPrimitives.ReadUInt32BigEndian(keys.AsSpan(4));
    }

    [Fact]
    public async Task Preempt_and_abort_ends_the_commands_of_the_preempted()
    {
        await using (InitiatorSession registering = await InitiatorSession.ReadyAsync(_daemon.Portal, A))
            await registering.MustAsync(Out(Register, 0, 0, 0xA));
        using ScriptedSession victim = await ScriptedSession.LoginAsync(_daemon.Portal, A);
        while ((await victim.TestUnitReadyAsync()).Header[3] != ScsiResult.Good) continue;
        await using InitiatorSession b = await InitiatorSession.ReadyAsync(_daemon.Portal, B);
        await b.MustAsync(Out(Register, 0, 0, 0xB));
        await b.MustAsync(Out(Reserve, WriteExclusiveRegistrantsOnly, 0xB, 0));
        (uint tag, RawPdu r2t) = await victim.StartWriteAsync(0, 8);

        await b.MustAsync(Out(PreemptAndAbort, WriteExclusiveRegistrantsOnly, 0xB, 0xA));
        await victim.AnswerAsync(r2t, tag, 0xEE);

        RawPdu told = await victim.TestUnitReadyAsync();   // the first status after it: the write has none
        Assert.Equal(ScsiResult.CheckCondition, told.Header[3]);
        Assert.Equal(RegistrationsPreempted, ((told.Data.Span[4] & 0x0F) << 16) | (told.Data.Span[14] << 8) | told.Data.Span[15]);
        byte[] read = new byte[4096];
        await b.MustAsync(Cdb.Read16(0, read));
        Assert.All(read, value => Assert.Equal(0, value));
    }

    private static ScsiCommand Out(byte serviceAction, byte type, ulong key, ulong actionKey, byte survivesPowerLoss = 0)
    {
        byte[] list = new byte[24];
        BinaryPrimitives.WriteUInt64BigEndian(list, key);
        BinaryPrimitives.WriteUInt64BigEndian(list.AsSpan(8), actionKey);
        list[20] = survivesPowerLoss;
        return new ScsiCommand([0x5F, serviceAction, type, 0, 0, 0, 0, 0, 24, 0]) { DataOut = list };
    }
}

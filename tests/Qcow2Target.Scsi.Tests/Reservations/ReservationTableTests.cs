using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Reservations;

/// <summary>What happens between a PERSISTENT RESERVE OUT and its parameters, and while it is being saved.</summary>
public sealed class ReservationTableTests
{
    private const string Conflict = "ReservationConflict";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private static readonly byte[] Reserve6 = [0x16];
    private static readonly byte[] Release6 = [0x17];

    private readonly RecordingHost _host = new();
    private readonly Bench _bench;
    private readonly ItNexus _a;
    private readonly ItNexus _b;

    public ReservationTableTests()
    {
        _bench = new Bench(settings: new LogicalUnitSettings { Host = _host });
        (_a, _b) = (_bench.Nexus, _bench.NewNexus());
    }

    /// <summary>REGISTER as far as its CDB: the target asks for the parameters.</summary>
    private CommandPlan BeginRegister(ItNexus nexus) => _bench.Begin(ReserveOut.Cdb(serviceAction: 0, type: 0, 24), dataOut: 24, nexus: nexus);

    private static async Task<string> FinishAsync(CommandPlan register, ulong newKey, byte flags = 0) =>
        Bench.Describe(await Bench.RunAsync(register, ReserveOut.List(0, newKey, flags), CancellationToken.None).AsTask().WaitAsync(Limit));

    [Fact]
    public async Task A_unit_that_was_reserved_before_the_parameters_came_takes_no_registration()
    {
        CommandPlan register = BeginRegister(_b);
        Assert.Equal("Good", _bench.Refusal(Reserve6));

        Assert.Equal(Conflict, await FinishAsync(register, 0xB, ReserveOut.SurvivePowerLoss));

        Assert.Empty(_host.Saved);
        Assert.Equal("Good", _bench.Refusal(Release6));
        Assert.Equal("0: ", _bench.ReadKeys());
        Assert.Equal("Good", _bench.Register(_b, 0, 0xB));
    }

    [Fact]
    public async Task Nobody_reserves_a_unit_while_its_first_registration_is_being_saved()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _host.SaveGate = gate.Task;
        Task<string> registered = FinishAsync(BeginRegister(_b), 0xB, ReserveOut.SurvivePowerLoss);
        Assert.False(registered.IsCompleted);

        Assert.Equal(Conflict, _bench.Refusal(Reserve6));
        gate.SetResult();

        Assert.Equal("Good", await registered);
        Assert.Equal("1: B", _bench.ReadKeys());
        Assert.Equal(Conflict, _bench.Refusal(Reserve6));
        Assert.Equal("Good", _bench.Register(_b, 0xB, 0));
        Assert.Equal("Good", _bench.Refusal(Reserve6));
    }

    [Fact]
    public void A_registration_that_was_not_made_keeps_nobody_from_reserving()
    {
        Assert.Equal("5/26/00@P20.3", _bench.Out(_b, serviceAction: 6, 0, 0xB, flags: ReserveOut.SpecifyInitiators));
        _host.FailsToSave = true;
        Assert.Equal("4/44/00", _bench.Register(_b, 0, 0xB, ReserveOut.SurvivePowerLoss));

        Assert.Equal("Good", _bench.Refusal(Reserve6));
    }

    /// <summary>Both at once, over and over: never are both in force.</summary>
    [Fact]
    public async Task Of_a_reserve_and_a_registration_at_the_same_instant_one_is_refused()
    {
        for (int round = 0; round < 500; round++)
        {
            CommandPlan register = BeginRegister(_b);
            using var start = new Barrier(2);
            Task<string> reserve = Task.Run(() =>
            {
                start.SignalAndWait(Limit);
                return _bench.Refusal(Reserve6);
            });
            start.SignalAndWait(Limit);
            string registered = await FinishAsync(register, 0xB);
            string reserved = await reserve;

            Assert.True((reserved == "Good") != (registered == "Good"), $"round {round}: RESERVE {reserved}, REGISTER {registered}");
            Assert.Equal("Good", reserved == "Good" ? _bench.Refusal(Release6) : _bench.Register(_b, 0xB, 0));
        }
    }

    [Fact]
    public async Task A_disk_that_left_before_the_parameters_came_keeps_nothing()
    {
        CommandPlan register = BeginRegister(_b);
        _bench.Unit.Retire();

        Assert.Equal("5/25/00", await FinishAsync(register, 0xB, ReserveOut.SurvivePowerLoss));

        Assert.Empty(_host.Saved);
        Assert.Empty(_bench.Unit.Reservations.Current.Registrations);
    }

    [Fact]
    public async Task A_disk_that_leaves_while_its_reservations_are_saved_says_so()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        (_host.SaveGate, _host.FailsToSave) = (gate.Task, true);
        Task<string> registered = FinishAsync(BeginRegister(_b), 0xB, ReserveOut.SurvivePowerLoss);
        _bench.Unit.Retire();
        gate.SetResult();

        Assert.Equal("5/25/00", await registered);
    }
}

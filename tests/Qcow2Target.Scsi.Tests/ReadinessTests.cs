using Qcow2Target.Scsi.Operations;
using Qcow2Target.Scsi.Reservations;
using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests;

/// <summary>
/// Which commands a unit does that is not ready, protected, or being sanitized: a list of its own against every row of the command table,
/// each with a block address behind the end, for range and data are looked at later.
/// </summary>
public sealed class ReadinessTests
{
    private static readonly byte[] Always = [0x03, 0x12, 0xA0];   // REQUEST SENSE, INQUIRY, REPORT LUNS

    // MODE SELECT and SENSE, RESERVE and RELEASE, START STOP UNIT, PREVENT ALLOW, PERSISTENT RESERVE, RECEIVE COPY RESULTS, REPORT ... of A3h.
    private static readonly byte[] WithoutMedium = [0x15, 0x16, 0x17, 0x1A, 0x1B, 0x1E, 0x55, 0x56, 0x57, 0x5A, 0x5E, 0x5F, 0x84, 0xA3];

    private static readonly byte[] WriteOpcodes =
        [0x04, 0x0A, 0x2A, 0x2E, 0x41, 0x42, 0x48, 0x89, 0x8A, 0x8B, 0x8E, 0x93, 0xAA, 0xAE];

    private static byte[] CdbOf(CommandDescriptor command)
    {
        byte[] cdb = [command.Opcode, command.ServiceAction ?? 0, .. new byte[14]];
        switch (command.Opcode)
        {
            case 0x1D:
                cdb[1] = 0x04;   // SELFTEST
                break;
            case 0x15 or 0x55:
                cdb[1] = 0x10;   // PF
                break;
            case 0x08 or 0x0A:
                (cdb[1], cdb[4]) = (0x1F, 1);
                break;
            case 0x88 or 0x89 or 0x8A or 0x8B or 0x8E or 0x8F or 0x90 or 0x91 or 0x93:
                cdb[2] = 0xFF;
                break;
            case 0x9E when command.ServiceAction == 0x12:
                cdb[2] = 0xFF;
                break;
            case 0x28 or 0x2A or 0x2E or 0x2F or 0x34 or 0x35 or 0x41 or 0xA8 or 0xAA or 0xAE or 0xAF:
                cdb[2] = 0xFF;
                break;
        }

        return cdb;
    }

    private static void Expect(Bench bench, Func<CommandDescriptor, bool> isRefused, string sense)
    {
        foreach (CommandDescriptor command in CommandTable.Commands)
        {
            CommandPlan plan = bench.Begin(CdbOf(command));
            string outcome = plan.Outcome is { } decided ? Bench.Describe(decided) : plan.Kind.ToString();
            if (isRefused(command))
                Assert.Equal((command.Name, sense), (command.Name, outcome));
            else
                Assert.NotEqual((command.Name, sense), (command.Name, outcome));
        }
    }

    private static bool NeedsMedium(CommandDescriptor command) => !Always.Contains(command.Opcode) && !WithoutMedium.Contains(command.Opcode);

    [Fact]
    public void Without_a_medium_media_commands_say_so()
    {
        var bench = new Bench(new MemoryBlockDevice(isReadOnly: true), settings: new LogicalUnitSettings { Medium = MediumKind.Removable });
        Assert.Equal("Good", bench.Refusal([0x1B, 0, 0, 0, 0x02]));
        Expect(bench, NeedsMedium, "2/3A/00");   // also those that would write: readiness comes first
    }

    [Fact]
    public void While_the_disk_is_being_recovered_media_commands_say_so()
    {
        var bench = new Bench();
        bench.Unit.Availability = UnitAvailability.BecomingReady;
        Expect(bench, command => NeedsMedium(command) && command.Opcode != 0x00, "2/04/01");
        Assert.Equal(PlanKind.Execute, bench.Begin([0x00]).Kind);   // waits a while before it says the same
    }

    [Fact]
    public void A_disk_that_will_not_come_back_says_so()
    {
        var bench = new Bench();
        bench.Unit.Availability = UnitAvailability.Offline;
        Expect(bench, NeedsMedium, "2/04/12");
    }

    [Fact]
    public void A_protected_disk_refuses_every_write_before_it_looks_at_range_or_data() =>
        Expect(new Bench(new MemoryBlockDevice(isReadOnly: true)), command => WriteOpcodes.Contains(command.Opcode), "7/27/00");

    [Fact]
    public void A_disk_protected_by_software_refuses_every_write_before_it_looks_at_range_or_data() =>
        Expect(new Bench(modes: ModeParameters.Default with { SoftwareWriteProtect = true }), command => WriteOpcodes.Contains(command.Opcode), "7/27/02");

    [Fact]
    public async Task While_the_medium_is_sanitized_all_but_three_commands_say_how_far_it_is()
    {
        var bench = new Bench();
        using RangeHold hold = await bench.Unit.Medium.HoldAsync(0, 512, CancellationToken.None);   // so that it does not get far
        CommandPlan late = bench.Begin(TestCdb.Ten(0x2A, 0, 1), 512);
        Task<ScsiOutcome> waiting = late.WriteAsync(0, new byte[512]).AsTask();
        Assert.Equal("Good", bench.Refusal([0x48, 0x82]));

        Expect(bench, command => !Always.Contains(command.Opcode), "2/04/1B");

        Task<ScsiOutcome> erasing = bench.Unit.Medium.Operation!.Completion;
        hold.Dispose();
        Assert.Equal("2/04/1B", Bench.Describe(await waiting.WaitAsync(TimeSpan.FromSeconds(20))));
        Assert.Equal("Good", Bench.Describe(await erasing.WaitAsync(TimeSpan.FromSeconds(20))));
        Assert.Equal("Good", bench.Refusal([0x00]));
    }

    [Fact]
    public async Task A_write_that_found_the_medium_taken_says_so_although_the_operation_is_over_by_then()
    {
        var bench = new Bench();
        var operation = new SanitizeOperation(bench.Unit.Device.Shape, new SanitizeRecord(FailureExit.OnlyBySanitizing, default), null, null);
        Assert.True(bench.Unit.Medium.TryTake(operation, out _));
        var fault = await Assert.ThrowsAnyAsync<BlockDeviceException>(() => bench.Unit.Medium.WriteAsync(0, new byte[512], CancellationToken.None).AsTask());
        bench.Unit.Medium.Replace(operation, null);
        Assert.Equal("2/04/1B", Bench.Describe(bench.Unit.OutcomeOf(fault)));
    }

    [Fact]
    public void Every_command_that_needs_write_access_is_known_here()
    {
        byte[] others = [0x15, 0x55, 0x1B, 0x1D, 0x1E, 0x35, 0x91, 0x83];   // change the unit, or write only where a parameter list says
        byte[] writing = [.. CommandTable.Commands.ToArray().Where(row => row.Access == ReservationAccess.Write).Select(row => row.Opcode).Distinct()];
        Assert.Equal(WriteOpcodes.Concat(others).Order(), writing.Order());
    }
}

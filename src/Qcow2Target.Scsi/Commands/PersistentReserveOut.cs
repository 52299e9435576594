using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Reservations;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>PERSISTENT RESERVE OUT (SPC-4 6.16). Who may do what is <see cref="ReservationEdit"/>'s; here the CDB and the list are judged.</summary>
internal static class PersistentReserveOut
{
    private const int LengthField = 5;

    private delegate ReservationRefusal? ListHandler(ReadOnlySpan<byte> list, ItlNexus nexus, ReservationEdit edit);

    public static CommandPlan BeginRegister(in CommandContext context) => Begin(context, ListForm.MayNameInitiators, Register);

    public static CommandPlan BeginRegisterAndIgnore(in CommandContext context) => Begin(context, ListForm.Basic, static (list, nexus, edit) =>
    {
        var basic = new PersistentReserveOutList(list);
        return PersistRefusal(basic.Options, nexus) ?? edit.RegisterAndIgnore(basic.ActionKey, basic.Options);
    });

    public static CommandPlan BeginReserve(in CommandContext context)
    {
        if (ReservationTypes.Parse(context.Cdb[PersistentReserveOutList.ScopeAndTypeField]) is not { } type)
            return context.Refuse(SenseData.InvalidFieldInCdb(PersistentReserveOutList.ScopeAndTypeField));
        return Begin(context, ListForm.Basic, (list, _, edit) => edit.Reserve(new PersistentReserveOutList(list).Key, type));
    }

    public static CommandPlan BeginRelease(in CommandContext context)
    {
        byte scopeAndType = context.Cdb[PersistentReserveOutList.ScopeAndTypeField];
        return Begin(context, ListForm.Basic, (list, _, edit) => edit.Release(new PersistentReserveOutList(list).Key, scopeAndType));
    }

    public static CommandPlan BeginClear(in CommandContext context) =>
        Begin(context, ListForm.Basic, static (list, _, edit) => edit.Clear(new PersistentReserveOutList(list).Key));

    public static CommandPlan BeginPreempt(in CommandContext context) => Preempt(context, TaskAbortion.None);

    public static CommandPlan BeginPreemptAndAbort(in CommandContext context) => Preempt(context, TaskAbortion.OfPreempted);

    public static CommandPlan BeginRegisterAndMove(in CommandContext context) => Begin(context, ListForm.NamesInitiator, static (list, nexus, edit) =>
    {
        var move = new RegisterAndMoveList(list);
        if (move.SurvivesPowerLoss && !nexus.Unit.Reservations.CanPersist)
            return ReservationRefusal.Field(17, 0);
        if (move.RelativePortId != nexus.Nexus.Port.RelativePortId)
            return ReservationRefusal.Field(RegisterAndMoveList.RelativePortField);
        if (move.Destination(nexus.Unit.InitiatorPortsOf, out InitiatorPort? to) is { } sense)
            return new ReservationRefusal(sense);
        return edit.Move(move.Key, move.ActionKey, to!, new RegisterOptions(AllTargetPorts: false, move.SurvivesPowerLoss), move.Source);
    });

    private static CommandPlan Preempt(in CommandContext context, TaskAbortion abortion)
    {
        byte scopeAndType = context.Cdb[PersistentReserveOutList.ScopeAndTypeField];
        return Begin(
            context,
            ListForm.Basic,
            (list, _, edit) =>
            {
                var basic = new PersistentReserveOutList(list);
                return edit.Preempt(basic.Key, basic.ActionKey, scopeAndType);
            },
            abortion);
    }

    private static ReservationRefusal? Register(ReadOnlySpan<byte> list, ItlNexus nexus, ReservationEdit edit)
    {
        var basic = new PersistentReserveOutList(list);
        List<InitiatorPort> others = [];
        if (basic.SpecifiesInitiators)
        {
            if (basic.TransportIds(nexus.Unit.InitiatorPortsOf, out others) is { } sense)
                return new ReservationRefusal(sense);
        }
        else if (list.Length != PersistentReserveOutList.BasicBytes)
        {
            return new ReservationRefusal(SenseData.ParameterListLengthError);
        }

        return PersistRefusal(basic.Options, nexus) ?? edit.Register(basic.Key, basic.ActionKey, basic.Options, others);
    }

    /// <summary>Only REGISTER may name initiators.</summary>
    private static ReservationRefusal? BasicRefusal(ReadOnlySpan<byte> list) => new PersistentReserveOutList(list).SpecifiesInitiators
        ? ReservationRefusal.Field(PersistentReserveOutList.FlagsField, PersistentReserveOutList.SpecifyInitiatorsBit)
        : null;

    private static ReservationRefusal? PersistRefusal(RegisterOptions options, ItlNexus nexus) =>
        options.SurvivesPowerLoss && !nexus.Unit.Reservations.CanPersist
            ? ReservationRefusal.Field(PersistentReserveOutList.FlagsField, PersistentReserveOutList.SurvivePowerLossBit)
            : null;

    private static CommandPlan Begin(in CommandContext context, ListForm form, ListHandler handler, TaskAbortion abortion = TaskAbortion.None)
    {
        uint length = context.Cdb.U32(LengthField);
        int most = form == ListForm.Basic ? PersistentReserveOutList.BasicBytes : ScsiLimits.MaxReserveOutBytes;
        if (length < PersistentReserveOutList.BasicBytes || length > most)
            return context.Refuse(SenseData.ParameterListLengthError);

        LogicalUnit unit = context.Unit;
        ItlNexus nexus = context.Nexus;
        return CommandPlan.Parameters(unit, length, (list, cancellationToken) => list.Length < length
            ? new(unit.Check(SenseData.ParameterListLengthError))
            : unit.Reservations.ChangeAsync(
                nexus, abortion, edit => (form == ListForm.Basic ? BasicRefusal(list.Span) : null) ?? handler(list.Span, nexus, edit), cancellationToken));
    }

    private enum ListForm
    {
        /// <summary>24 bytes.</summary>
        Basic,

        /// <summary>24 bytes, and with SPEC_I_PT TransportIDs after them.</summary>
        MayNameInitiators,

        /// <summary>24 bytes and one TransportID.</summary>
        NamesInitiator,
    }
}

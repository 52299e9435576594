using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Reservations;

namespace Qcow2Target.Scsi.Commands;

/// <summary>PERSISTENT RESERVE IN (SPC-4 6.15). Lengths tell of everything there is, also of what the allocation length cuts off.</summary>
internal static class PersistentReserveIn
{
    private const int AllocationField = 7;
    private const int HeaderBytes = 8;

    private const int CapabilitiesBytes = 8;
    private const byte SpecifyInitiatorsCapable = 0x08;
    private const byte AllTargetPortsCapable = 0x04;
    private const byte PersistCapable = 0x01;
    private const byte TypeMaskValid = 0x80;
    private const byte AllowedThroughWriteExclusive = 0x30;   // ALLOW COMMANDS 011b: TEST UNIT READY always, MODE SENSE and its like through write exclusive
    private const byte PersistActivated = 0x01;
    private const int TypeMask = 0xEA01;   // all six types

    private const int ReservationBytes = 16;
    private const int StatusHeaderBytes = 24;
    private const byte AllTargetPorts = 0x02;
    private const byte Holder = 0x01;

    public static CommandPlan BeginReadKeys(in CommandContext context)
    {
        PersistentReservations state = context.Unit.Reservations.Current;
        byte[] data = WithHeader(state, 8 * state.Registrations.Length);
        for (int i = 0; i < state.Registrations.Length; i++)
            data.PutU64(HeaderBytes + (8 * i), state.Registrations[i].Key);
        return context.Answer(data, context.Cdb.U16(AllocationField));
    }

    public static CommandPlan BeginReadReservation(in CommandContext context)
    {
        PersistentReservations state = context.Unit.Reservations.Current;
        if (state.Type is not { } type)
            return context.Answer(WithHeader(state, 0), context.Cdb.U16(AllocationField));

        byte[] data = WithHeader(state, ReservationBytes);
        data.PutU64(8, state.Holder is { } holder ? state.Find(holder)!.Key : 0);
        data[21] = (byte)type;
        return context.Answer(data, context.Cdb.U16(AllocationField));
    }

    public static CommandPlan BeginReportCapabilities(in CommandContext context)
    {
        ReservationTable reservations = context.Unit.Reservations;
        byte[] data = new byte[CapabilitiesBytes];
        data.PutU16(0, CapabilitiesBytes);
        data[2] = (byte)(SpecifyInitiatorsCapable | AllTargetPortsCapable | (reservations.CanPersist ? PersistCapable : 0));
        data[3] = (byte)(TypeMaskValid | AllowedThroughWriteExclusive | (reservations.Current.SurvivesPowerLoss ? PersistActivated : 0));
        data.PutU16(4, TypeMask);
        return context.Answer(data, context.Cdb.U16(AllocationField));
    }

    public static CommandPlan BeginReadFullStatus(in CommandContext context)
    {
        PersistentReservations state = context.Unit.Reservations.Current;
        ushort port = context.Nexus.Nexus.Port.RelativePortId;
        byte[] body = [.. state.Registrations.SelectMany(registration => FullStatus(state, registration, port))];
        byte[] data = WithHeader(state, body.Length);
        body.CopyTo(data, HeaderBytes);
        return context.Answer(data, context.Cdb.U16(AllocationField));
    }

    private static byte[] FullStatus(PersistentReservations state, Registration registration, ushort port)
    {
        byte[] transportId = TransportId.Encode(registration.Initiator);
        byte[] status = new byte[StatusHeaderBytes + transportId.Length];
        bool holds = state.IsHeldBy(registration);
        status.PutU64(0, registration.Key);
        status[12] = (byte)((registration.AllTargetPorts ? AllTargetPorts : 0) | (holds ? Holder : 0));
        status[13] = holds ? (byte)state.Type!.Value : (byte)0;
        status.PutU16(18, registration.AllTargetPorts ? 0 : port);
        status.PutU32(20, (uint)transportId.Length);
        transportId.CopyTo(status, StatusHeaderBytes);
        return status;
    }

    private static byte[] WithHeader(PersistentReservations state, int bodyBytes)
    {
        byte[] data = new byte[HeaderBytes + bodyBytes];
        data.PutU32(0, state.Generation);
        data.PutU32(4, (uint)bodyBytes);
        return data;
    }
}

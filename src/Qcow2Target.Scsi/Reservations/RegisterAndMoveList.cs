using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Reservations;

/// <summary>The parameter list of REGISTER AND MOVE (SPC-4 6.16.4).</summary>
internal readonly ref struct RegisterAndMoveList(ReadOnlySpan<byte> list)
{
    public const int RelativePortField = 18;

    private const int FlagsField = 17;
    private const byte Unregister = 0x02;
    private const byte SurvivePowerLoss = 0x01;
    private const int TransportIdLengthField = 20;
    private const int TransportIdField = 24;

    private readonly ReadOnlySpan<byte> _list = list;

    public ulong Key => _list.U64(0);

    public ulong ActionKey => _list.U64(8);

    public ushort RelativePortId => _list.U16(RelativePortField);

    public bool SurvivesPowerLoss => (_list[FlagsField] & SurvivePowerLoss) != 0;

    public SourceRegistration Source => (_list[FlagsField] & Unregister) != 0 ? SourceRegistration.Removed : SourceRegistration.Kept;

    /// <summary>The one initiator port that is to have the reservation.</summary>
    public SenseData? Destination(Func<string, IEnumerable<InitiatorPort>> portsOf, out InitiatorPort? initiator)
    {
        initiator = null;
        uint length = _list.U32(TransportIdLengthField);
        if (length != _list.Length - TransportIdField)
            return SenseData.ParameterListLengthError;
        ReadOnlySpan<byte> rest = _list[TransportIdField..];
        if (TransportId.Read(ref rest, portsOf) is not [var port] || !rest.IsEmpty)
            return SenseData.InvalidFieldInParameterList(TransportIdField);
        initiator = port;
        return null;
    }
}

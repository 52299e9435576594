using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Reservations;

/// <summary>The basic parameter list of PERSISTENT RESERVE OUT (SPC-4 6.16.3); REGISTER AND MOVE has the same keys in front.</summary>
internal readonly ref struct PersistentReserveOutList(ReadOnlySpan<byte> list)
{
    /// <summary>Bytes without TransportIDs, in both forms.</summary>
    public const int BasicBytes = 24;

    /// <summary>SCOPE and TYPE of the CDB.</summary>
    public const int ScopeAndTypeField = 2;

    public const int FlagsField = 20;
    public const int SpecifyInitiatorsBit = 3;
    public const int AllTargetPortsBit = 2;
    public const int SurvivePowerLossBit = 0;

    /// <summary>Where the length of the TransportIDs stands, and they after it.</summary>
    public const int TransportIdsField = 24;

    private const int TransportIdsStart = 28;

    private readonly ReadOnlySpan<byte> _list = list;

    public ulong Key => _list.U64(0);

    public ulong ActionKey => _list.U64(8);

    public bool SpecifiesInitiators => Has(SpecifyInitiatorsBit);

    public RegisterOptions Options => new(Has(AllTargetPortsBit), Has(SurvivePowerLossBit));

    /// <summary>The initiator ports of SPEC_I_PT; a device name stands for those of its ports that are known.</summary>
    public SenseData? TransportIds(Func<string, IEnumerable<InitiatorPort>> portsOf, out List<InitiatorPort> initiators)
    {
        initiators = [];
        if (_list.Length < TransportIdsStart)
            return SenseData.ParameterListLengthError;
        uint length = _list.U32(TransportIdsField);
        if (length > _list.Length - TransportIdsStart)
            return SenseData.ParameterListLengthError;

        ReadOnlySpan<byte> rest = _list.Slice(TransportIdsStart, (int)length);
        while (!rest.IsEmpty)
        {
            int at = TransportIdsStart + (int)length - rest.Length;
            if (TransportId.Read(ref rest, portsOf) is not { } ports)
                return SenseData.InvalidFieldInParameterList(at);
            foreach (InitiatorPort port in ports)
            {
                if (initiators.Contains(port))
                    return SenseData.InvalidFieldInParameterList(at);
                initiators.Add(port);
            }
        }

        return initiators.Count > 0 ? null : SenseData.InvalidFieldInParameterList(TransportIdsField);
    }

    private bool Has(int bit) => (_list[FlagsField] & (1 << bit)) != 0;
}

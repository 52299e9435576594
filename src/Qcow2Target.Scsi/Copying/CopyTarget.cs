using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Pages.Vpd;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Copying;

/// <summary>An identification descriptor (SPC-4 6.4.5.2): a unit by one of the designators of its VPD page 83h.</summary>
internal sealed class CopyTarget
{
    public const int Bytes = 32;

    /// <summary>Type code.</summary>
    public const byte Identification = 0xE4;

    private const byte NullDevice = 0x20;   // NUL: data are thrown away, or made of zeros, and no unit is meant
    private const int NullDeviceBit = 5;
    private const byte PeripheralType = 0x1F;
    private const int PeripheralTypeBit = 4;
    private const int CodesField = 4;
    private const int TypeField = 5;
    private const int LengthField = 7;
    private const int DesignatorField = 8;
    private const int MaxDesignatorBytes = 20;
    private const int BlockBytesField = 28;

    private readonly byte[] _designator;
    private readonly uint _blockBytes;

    private CopyTarget(byte[] designator, uint blockBytes) => (_designator, _blockBytes) = (designator, blockBytes);

    /// <summary>Reads a descriptor that stands at byte <paramref name="start"/> of the list.</summary>
    public static SenseData? Parse(ReadOnlySpan<byte> descriptor, int start, out CopyTarget? target)
    {
        target = null;
        if ((descriptor[1] & NullDevice) != 0)
            return SenseData.InvalidFieldInParameterList(start + 1, NullDeviceBit);
        if ((descriptor[1] & PeripheralType) != 0)
            return SenseData.InvalidFieldInParameterList(start + 1, PeripheralTypeBit);
        int length = descriptor[LengthField];
        if (length > MaxDesignatorBytes)
            return SenseData.InvalidFieldInParameterList(start + LengthField);

        // As VPD page 83h has it, without what it says of protocols.
        byte[] designator =
        [
            (byte)(descriptor[CodesField] & 0x0F), (byte)(descriptor[TypeField] & 0x3F), 0, (byte)length,
            .. descriptor.Slice(DesignatorField, length),
        ];
        target = new CopyTarget(designator, descriptor.U32(BlockBytesField) & 0xFF_FFFF);
        return null;
    }

    /// <summary>The unit of the target that it names, if it names one alone and that one's blocks are as long as it says: a guess could write to the wrong disk.</summary>
    public LogicalUnit? Resolve(LunMap map)
    {
        LogicalUnit[] named = [.. map.Luns.Select(lun => map[lun]!).Where(IsNameOf)];
        return named is [var unit] && unit.Device.Shape.BlockBytes == _blockBytes ? unit : null;
    }

    private bool IsNameOf(LogicalUnit unit) =>
        DeviceIdentification.OfUnit(unit.Identity).Any(known => known.AsSpan().SequenceEqual(_designator));
}

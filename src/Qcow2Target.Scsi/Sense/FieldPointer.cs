using System.Buffers.Binary;

namespace Qcow2Target.Scsi.Sense;

/// <summary>Where the offending field lies.</summary>
public enum FieldLocation
{
    /// <summary>In the CDB.</summary>
    Cdb,

    /// <summary>In the parameter list, which came as data-out.</summary>
    ParameterList,
}

/// <summary>
/// The sense key specific bytes of an ILLEGAL REQUEST: the first byte of the offending field and, where the field is part of a byte,
/// its most significant bit (SPC-4 4.5.2.4.2).
/// </summary>
/// <param name="Location">CDB or parameter list.</param>
/// <param name="Byte">Offset of the byte, 0 to 65535.</param>
/// <param name="Bit">Bit 0 to 7, or null when the whole byte is meant.</param>
public readonly record struct FieldPointer(FieldLocation Location, int Byte, int? Bit)
{
    public const int EncodedBytes = 3;

    private const byte Valid = 0x80;
    private const byte InCdb = 0x40;
    private const byte BitValid = 0x08;

    /// <summary>Writes the three bytes.</summary>
    public void WriteTo(Span<byte> destination)
    {
        int flags = Valid | (Location == FieldLocation.Cdb ? InCdb : 0) | (Bit is { } bit ? BitValid | bit : 0);
        destination[0] = (byte)flags;
        BinaryPrimitives.WriteUInt16BigEndian(destination[1..], (ushort)Math.Min(Byte, ushort.MaxValue));
    }
}

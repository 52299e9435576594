using System.Buffers.Binary;

namespace Qcow2Target.Scsi.Sense;

/// <summary>What went wrong, as a value: named by the factories below, encoded when the format in force is known.</summary>
public readonly record struct SenseData
{
    /// <summary>Bytes of the fixed format.</summary>
    public const int FixedBytes = 18;

    /// <summary>No encoding is longer: header, information and key specific descriptors.</summary>
    public const int MaxBytes = DescriptorHeaderBytes + InformationDescriptorBytes + KeySpecificDescriptorBytes;

    private const int DescriptorHeaderBytes = 8;
    private const int InformationDescriptorBytes = 12;
    private const int KeySpecificDescriptorBytes = 8;
    private const byte FixedCurrent = 0x70;
    private const byte DescriptorCurrent = 0x72;
    private const byte InformationValid = 0x80;
    private const byte KeySpecificValid = 0x80;

    private SenseData(SenseKey key, byte asc, byte ascq) => Code = new SenseCode(key, asc, ascq);

    public SenseCode Code { get; private init; }

    /// <summary>Command specific number: for a miscompare the offset of the first unequal byte.</summary>
    public ulong? Information { get; private init; }

    /// <summary>The offending field of an ILLEGAL REQUEST.</summary>
    public FieldPointer? Field { get; private init; }

    /// <summary>How far an operation has come, in 65536ths.</summary>
    public ushort? Progress { get; private init; }

    public static SenseData NoSense { get; } = new(SenseKey.NoSense, 0x00, 0x00);
    public static SenseData BecomingReady { get; } = new(SenseKey.NotReady, 0x04, 0x01);
    public static SenseData Offline { get; } = new(SenseKey.NotReady, 0x04, 0x12);
    public static SenseData MediumNotPresent { get; } = new(SenseKey.NotReady, 0x3A, 0x00);
    public static SenseData SanitizeFailed { get; } = new(SenseKey.MediumError, 0x31, 0x03);
    public static SenseData CopyAborted { get; } = new(SenseKey.CopyAborted, 0x00, 0x00);
    public static SenseData UnreachableCopyTarget { get; } = new(SenseKey.CopyAborted, 0x08, 0x04);
    public static SenseData ThirdPartyDeviceFailure { get; } = new(SenseKey.CopyAborted, 0x0D, 0x01);
    public static SenseData TooManyTargetDescriptors { get; } = new(SenseKey.IllegalRequest, 0x26, 0x06);
    public static SenseData UnsupportedTargetDescriptor { get; } = new(SenseKey.IllegalRequest, 0x26, 0x07);
    public static SenseData TooManySegmentDescriptors { get; } = new(SenseKey.IllegalRequest, 0x26, 0x08);
    public static SenseData UnsupportedSegmentDescriptor { get; } = new(SenseKey.IllegalRequest, 0x26, 0x09);
    public static SenseData UnrecoveredReadError { get; } = new(SenseKey.MediumError, 0x11, 0x00);
    public static SenseData WriteError { get; } = new(SenseKey.MediumError, 0x0C, 0x00);
    public static SenseData InternalTargetFailure { get; } = new(SenseKey.HardwareError, 0x44, 0x00);
    public static SenseData InvalidFieldInInformationUnit { get; } = new(SenseKey.IllegalRequest, 0x0E, 0x03);
    public static SenseData ParameterListLengthError { get; } = new(SenseKey.IllegalRequest, 0x1A, 0x00);
    public static SenseData InvalidOpcode { get; } = new SenseData(SenseKey.IllegalRequest, 0x20, 0x00) with { Field = new FieldPointer(FieldLocation.Cdb, 0, null) };
    public static SenseData OperationInProgress { get; } = new(SenseKey.IllegalRequest, 0x00, 0x16);
    public static SenseData InvalidMessageError { get; } = new(SenseKey.IllegalRequest, 0x49, 0x00);
    public static SenseData LbaOutOfRange { get; } = new(SenseKey.IllegalRequest, 0x21, 0x00);
    public static SenseData UnitNotSupported { get; } = new(SenseKey.IllegalRequest, 0x25, 0x00);
    public static SenseData InvalidRelease { get; } = new(SenseKey.IllegalRequest, 0x26, 0x04);
    public static SenseData MediumRemovalPrevented { get; } = new(SenseKey.IllegalRequest, 0x53, 0x02);
    public static SenseData InsufficientRegistrationResources { get; } = new(SenseKey.IllegalRequest, 0x55, 0x04);
    public static SenseData SavingParametersNotSupported { get; } = new(SenseKey.IllegalRequest, 0x39, 0x00);
    public static SenseData WriteProtected { get; } = new(SenseKey.DataProtect, 0x27, 0x00);
    public static SenseData SoftwareWriteProtected { get; } = new(SenseKey.DataProtect, 0x27, 0x02);
    public static SenseData SpaceAllocationFailed { get; } = new(SenseKey.DataProtect, 0x27, 0x07);

    /// <summary>5/24/00 with the field: the suite takes one without it for "not implemented".</summary>
    public static SenseData InvalidFieldInCdb(int byteOffset, int? bit = null) =>
        new SenseData(SenseKey.IllegalRequest, 0x24, 0x00) with { Field = new FieldPointer(FieldLocation.Cdb, byteOffset, bit) };

    /// <summary>5/26/00 with the field.</summary>
    public static SenseData InvalidFieldInParameterList(int byteOffset, int? bit = null) =>
        new SenseData(SenseKey.IllegalRequest, 0x26, 0x00) with { Field = new FieldPointer(FieldLocation.ParameterList, byteOffset, bit) };

    /// <summary>2/04/04 with how far it has come.</summary>
    public static SenseData FormatInProgress(ushort progress) => new SenseData(SenseKey.NotReady, 0x04, 0x04) with { Progress = progress };

    /// <summary>2/04/1B with how far it has come.</summary>
    public static SenseData SanitizeInProgress(ushort progress) => new SenseData(SenseKey.NotReady, 0x04, 0x1B) with { Progress = progress };

    /// <summary>E/1D/00 with the offset of the first unequal byte in the data-out buffer.</summary>
    public static SenseData Miscompare(long byteOffset) =>
        new SenseData(SenseKey.Miscompare, 0x1D, 0x00) with { Information = (ulong)byteOffset };

    public static SenseData Attention(UnitAttention attention) => new(SenseKey.UnitAttention, attention.Asc, attention.Ascq);

    /// <summary>The bytes in <paramref name="format"/>, without the length prefix that iSCSI puts before them.</summary>
    public byte[] Encode(SenseFormat format) => format == SenseFormat.Fixed ? EncodeFixed() : EncodeDescriptor();

    private byte[] EncodeFixed()
    {
        byte[] sense = new byte[FixedBytes];
        sense[0] = FixedCurrent;
        sense[2] = (byte)Code.Key;
        if (Information is { } information and <= uint.MaxValue)   // what does not fit is left out: VALID stays 0
        {
            sense[0] |= InformationValid;
            BinaryPrimitives.WriteUInt32BigEndian(sense.AsSpan(3), (uint)information);
        }

        sense[7] = FixedBytes - 8;
        sense[12] = Code.Asc;
        sense[13] = Code.Ascq;
        WriteKeySpecific(sense.AsSpan(15));
        return sense;
    }

    private byte[] EncodeDescriptor()
    {
        byte[] sense = new byte[DescriptorHeaderBytes
            + (Information is null ? 0 : InformationDescriptorBytes)
            + (Field is null && Progress is null ? 0 : KeySpecificDescriptorBytes)];
        sense[0] = DescriptorCurrent;
        sense[1] = (byte)Code.Key;
        sense[2] = Code.Asc;
        sense[3] = Code.Ascq;
        sense[7] = (byte)(sense.Length - DescriptorHeaderBytes);

        Span<byte> descriptor = sense.AsSpan(DescriptorHeaderBytes);
        if (Information is { } information)
        {
            descriptor[0] = 0x00;
            descriptor[1] = InformationDescriptorBytes - 2;
            descriptor[2] = InformationValid;
            BinaryPrimitives.WriteUInt64BigEndian(descriptor[4..], information);
            descriptor = descriptor[InformationDescriptorBytes..];
        }

        if (Field is not null || Progress is not null)
        {
            descriptor[0] = 0x02;
            descriptor[1] = KeySpecificDescriptorBytes - 2;
            WriteKeySpecific(descriptor[4..]);
        }

        return sense;
    }

    private void WriteKeySpecific(Span<byte> destination)
    {
        Field?.WriteTo(destination);
        if (Progress is not { } progress)
            return;
        destination[0] = KeySpecificValid;
        BinaryPrimitives.WriteUInt16BigEndian(destination[1..], progress);
    }
}

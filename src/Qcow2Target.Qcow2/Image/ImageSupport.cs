using Qcow2Target.Interop;
using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Image;

/// <summary>What this program serves, said in one place: anything else is refused by its name and never served wrongly.</summary>
internal static class ImageSupport
{
    private const int CompressionTypeField = 104;

    /// <summary>Refuses an image that cannot be read right.</summary>
    /// <exception cref="Qcow2FormatException">It asks for what is not supported; the message names it.</exception>
    internal static void RequireReadable(ImageHeader header, DataFileUse dataFiles)
    {
        RequireKnown(header);
        if (header.Incompatible.HasFlag(IncompatibleFeatures.ExternalDataFile)) RequireDataFile(header, dataFiles);
        RequireDecoder((CompressionType)header.CompressionType, ClusterDecoders.CanDecode);
        if (header.Size < ClusterGeometry.SectorBytes) throw new Qcow2FormatException(Qcow2FormatError.EmptyDisk, 24, $"empty disk: virtual size {header.Size} is less than one sector");
    }

    /// <summary>Refuses an image whose metadata cannot be read right.</summary>
    /// <exception cref="Qcow2FormatException">It is encrypted, or has a feature that is not known; the message names it.</exception>
    internal static void RequireKnown(ImageHeader header)
    {
        if (header.UnknownIncompatibleFeatures() is { } unknown)
            throw Unsupported(ImageHeader.IncompatibleField, $"unknown incompatible feature {unknown}");
        if (header.CryptMethod == 0) return;
        var method = header.CryptMethod == 1 ? "AES" : "LUKS";
        throw new Qcow2FormatException(Qcow2FormatError.Encrypted, 32, $"encrypted image ({method}) not supported");
    }

    /// <summary>Refuses an image that can be read but not yet, or not safely, written.</summary>
    /// <exception cref="Qcow2FormatException">With <see cref="Qcow2FormatError.ReadOnlyFeature"/>; the message names it.</exception>
    internal static void RequireWritable(ImageHeader header)
    {
        if (header.Incompatible.HasFlag(IncompatibleFeatures.Corrupt)) throw ReadOnly(ImageHeader.IncompatibleField, "corrupt bit set: the image can only be opened read-only until it is repaired");
        if (header.Incompatible.HasFlag(IncompatibleFeatures.ExternalDataFile) && header.SnapshotCount != 0)
            throw ReadOnly(60, $"image with an external data file and {header.SnapshotCount} internal snapshots can only be opened read-only: its data is not counted");
    }

    /// <summary>Refuses a compression type without a decoder here.</summary>
    internal static void RequireDecoder(CompressionType type, Predicate<CompressionType> canDecode)
    {
        if (!Enum.IsDefined(type)) throw Unsupported(CompressionTypeField, $"compression type {(int)type} not supported");
        if (!canDecode(type)) throw Unsupported(CompressionTypeField, $"compression zstd needs the library {Libzstd.Name}, which is not installed");
    }

    private static void RequireDataFile(ImageHeader header, DataFileUse use)
    {
        var name = header.DataFileName ?? throw new Qcow2FormatException(Qcow2FormatError.Malformed, ImageHeader.IncompatibleField, "the image has an external data file and does not name it");
        if (use == DataFileUse.Refused)
            throw Unsupported(ImageHeader.IncompatibleField, $"external data file '{name}' not supported: images with one are served where qcow2target.allow-data-files is on");
        if (header.HasRawDataFile && header.BackingName is { } backing)
            throw Unsupported(ImageHeader.AutoclearField, $"raw external data file '{name}' together with the backing file '{backing}' not supported");
    }

    private static Qcow2FormatException Unsupported(long offset, string message) => new(Qcow2FormatError.UnsupportedFeature, offset, message);

    private static Qcow2FormatException ReadOnly(long offset, string message) => new(Qcow2FormatError.ReadOnlyFeature, offset, message);
}

using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Format;

/// <summary>
/// The header of a qcow2 file, read and checked: every field is in its range and every table it names ends below 2^63. Whether this
/// program supports what it asks for is another question (<see cref="Image.ImageSupport"/>).
/// </summary>
public sealed class ImageHeader
{
    internal const uint Magic = 0x514649fb;
    internal const int Version2Bytes = 72;
    internal const int Version3MinBytes = 104;
    internal const int MaxL1Bytes = 32 << 20;
    internal const int MaxRefcountTableBytes = 8 << 20;
    internal const int MaxSnapshots = 65536;
    internal const int MaxBackingNameBytes = 1023;

    // The only places of the header that are written: each within one 512-byte sector, so that it changes whole or not at all.
    internal const int SizeField = 24;
    internal const int L1TableField = 36;
    internal const int RefcountTableField = 48;
    internal const int IncompatibleField = 72;
    internal const int AutoclearField = 88;

    private const int MaxBackingFormatBytes = 15;

    private ImageHeader()
    {
    }

    public required int Version { get; init; }

    public required int ClusterBits { get; init; }

    /// <summary>Bytes of the virtual disk as the header tells; not yet cut to sectors.</summary>
    public required long Size { get; init; }

    /// <summary>0 none, 1 AES, 2 LUKS.</summary>
    public required int CryptMethod { get; init; }

    /// <summary>Entries of the L1 table; perhaps more than the virtual size needs.</summary>
    public required int L1Size { get; init; }

    public required HostOffset L1Table { get; init; }

    public required HostOffset RefcountTable { get; init; }

    public required int RefcountTableClusters { get; init; }

    public required int SnapshotCount { get; init; }

    public required HostOffset Snapshots { get; init; }

    public required IncompatibleFeatures Incompatible { get; init; }

    public required ulong Compatible { get; init; }

    public required ulong Autoclear { get; init; }

    /// <summary>log2 of the width of a refcount in bits.</summary>
    public required int RefcountOrder { get; init; }

    /// <summary>A <see cref="Format.CompressionType"/>, or a number that is none.</summary>
    public required int CompressionType { get; init; }

    /// <summary>Name of the backing file as it is spelled, or null.</summary>
    public required string? BackingName { get; init; }

    public required IReadOnlyList<HeaderExtension> Extensions { get; init; }

    /// <summary>Declared format of the backing file, or null: none declared.</summary>
    public string? BackingFormat
    {
        get
        {
            var data = (Find(HeaderExtensionType.BackingFormat)?.Data ?? default).Span;
            return data.IsEmpty ? null : FeatureNames.Printable(data);
        }
    }

    /// <summary>Name of the external data file as it is spelled, or null: none is named.</summary>
    public string? DataFileName
    {
        get
        {
            var data = (Find(HeaderExtensionType.DataFileName)?.Data ?? default).Span;
            return data.IsEmpty ? null : Encoding.UTF8.GetString(data);
        }
    }

    /// <summary>There is an external data file, and it is kept as a raw image of the disk.</summary>
    public bool HasRawDataFile =>
        Incompatible.HasFlag(IncompatibleFeatures.ExternalDataFile) && ((AutoclearFeatures)Autoclear).HasFlag(AutoclearFeatures.RawDataFile);

    /// <summary>The autoclear word as it stays while the image is written here: of what it may tell, only a raw data file is maintained.</summary>
    public ulong KeptAutoclear => HasRawDataFile ? (ulong)AutoclearFeatures.RawDataFile : 0;

    public HeaderExtension? Find(HeaderExtensionType type) => Extensions.FirstOrDefault(extension => extension.Type == type);

    /// <summary>True if the bytes begin as a qcow2 file does.</summary>
    public static bool HasMagic(ReadOnlySpan<byte> start) => start.Length >= 4 && BinaryPrimitives.ReadUInt32BigEndian(start) == Magic;

    /// <summary>Reads and checks the header of a file. Reads one cluster at most.</summary>
    /// <exception cref="Qcow2FormatException">It is not a qcow2 file, or a field is out of its range.</exception>
    /// <exception cref="BlockFileException">The file could not be read.</exception>
    public static ImageHeader ReadFrom(IBlockFile file)
    {
        var length = file.Length;
        var start = new byte[Version3MinBytes + 8];
        file.Read(0, start);
        if (!HasMagic(start)) throw new Qcow2FormatException(Qcow2FormatError.NotQcow2, 0, "the file is not a qcow2 image");
        var clusterBits = BinaryPrimitives.ReadUInt32BigEndian(start.AsSpan(20));
        if (clusterBits is < ClusterGeometry.MinClusterBits or > ClusterGeometry.MaxClusterBits) return Parse(start, length);
        var cluster = new byte[1 << (int)clusterBits];
        file.Read(0, cluster);
        return Parse(cluster, length);
    }

    /// <summary>Reads and checks a header.</summary>
    /// <param name="cluster">The first cluster of the file, padded with zeros; shorter only if its size is not known to be valid.</param>
    /// <param name="fileLength">Bytes of the file.</param>
    /// <exception cref="Qcow2FormatException">It is not a qcow2 file, or a field is out of its range.</exception>
    public static ImageHeader Parse(ReadOnlySpan<byte> cluster, long fileLength)
    {
        if (!HasMagic(cluster)) throw new Qcow2FormatException(Qcow2FormatError.NotQcow2, 0, "the file is not a qcow2 image");
        Require(fileLength >= Version2Bytes && cluster.Length >= Version2Bytes, 0, "the file ends within the header");

        var version = U32(cluster, 4);
        if (version is not (2 or 3)) throw new Qcow2FormatException(Qcow2FormatError.UnsupportedVersion, 4, $"qcow2 version {version} is not supported");
        var clusterBits = U32(cluster, 20);
        Require(clusterBits is >= ClusterGeometry.MinClusterBits and <= ClusterGeometry.MaxClusterBits, 20, $"cluster size 2^{clusterBits} is not between 512 bytes and 2 MiB");
        var clusterBytes = 1 << (int)clusterBits;
        Require(cluster.Length >= clusterBytes, 0, "the first cluster was not read whole");

        var isVersion3 = version == 3;
        Require(!isVersion3 || fileLength >= Version3MinBytes, 0, "the file ends within the header");
        var headerLength = isVersion3 ? U32(cluster, 100) : Version2Bytes;
        Require(!isVersion3 || (headerLength >= Version3MinBytes && headerLength % 8 == 0 && headerLength <= clusterBytes), 100, $"header length {headerLength} is out of range");
        Require(fileLength >= headerLength, 100, "the file ends within the header");

        var size = U64(cluster, 24);
        Require(size <= long.MaxValue, 24, "virtual size is 2^63 or more");
        var crypt = U32(cluster, 32);
        Require(crypt <= 2, 32, $"encryption method {crypt} is unknown");

        var refcountOrder = isVersion3 ? U32(cluster, 96) : 4;
        Require(refcountOrder <= 6, 96, $"refcount width 2^{refcountOrder} is out of range");
        var incompatible = isVersion3 ? U64(cluster, 72) : 0;
        var entryBits = (incompatible & (ulong)IncompatibleFeatures.ExtendedL2) != 0 ? 4 : 3;
        Require(entryBits == 3 || clusterBits >= ClusterGeometry.MinExtendedClusterBits, 20, $"cluster size 2^{clusterBits} is too small for extended L2 entries");
        var l1Size = U32(cluster, 36);
        Require(l1Size <= MaxL1Bytes / sizeof(ulong), 36, $"L1 table of {l1Size} entries is larger than 32 MiB");
        var l1Shift = (2 * (int)clusterBits) - entryBits;
        var l1Needed = size == 0 ? 0 : ((size - 1) >> l1Shift) + 1;
        Require(l1Size >= l1Needed, 36, $"L1 table of {l1Size} entries is too small for {size} bytes");
        var l1 = Table(cluster, 40, clusterBytes, (long)l1Size * sizeof(ulong), "L1 table");
        Require(l1Size == 0 || l1 != 0, 40, "L1 table lies in the header");

        var refcountTableClusters = U32(cluster, 56);
        Require(refcountTableClusters >= 1 && refcountTableClusters <= MaxRefcountTableBytes >> (int)clusterBits, 56, $"refcount table of {refcountTableClusters} clusters is out of range");
        var refcountTable = Table(cluster, 48, clusterBytes, (long)refcountTableClusters << (int)clusterBits, "refcount table");
        Require(refcountTable != 0, 48, "refcount table lies in the header");

        var snapshotCount = U32(cluster, 60);
        Require(snapshotCount <= MaxSnapshots, 60, $"{snapshotCount} snapshots are more than {MaxSnapshots}");
        var snapshots = snapshotCount == 0 ? 0 : Table(cluster, 64, clusterBytes, 0, "snapshot table");
        Require(snapshotCount == 0 || snapshots != 0, 64, "snapshot table lies in the header");

        var compressionType = headerLength > Version3MinBytes ? cluster[104] : 0;
        var hasTypeBit = (incompatible & (ulong)IncompatibleFeatures.CompressionType) != 0;
        Require(hasTypeBit == (compressionType != 0), 104, $"compression type {compressionType} contradicts incompatible feature bit 3");

        var (backingName, extensionsEnd) = BackingFile(cluster, (int)headerLength, clusterBytes);
        var extensions = HeaderExtension.ParseAll(cluster[(int)headerLength..extensionsEnd], (int)headerLength);
        var format = extensions.FirstOrDefault(extension => extension.Type == HeaderExtensionType.BackingFormat);
        Require(format is null || format.Data.Length <= MaxBackingFormatBytes, format?.Offset ?? 0, "backing format name is too long");

        return new ImageHeader
        {
            Version = (int)version,
            ClusterBits = (int)clusterBits,
            Size = (long)size,
            CryptMethod = (int)crypt,
            L1Size = (int)l1Size,
            L1Table = new HostOffset(l1),
            RefcountTable = new HostOffset(refcountTable),
            RefcountTableClusters = (int)refcountTableClusters,
            SnapshotCount = (int)snapshotCount,
            Snapshots = new HostOffset(snapshots),
            Incompatible = (IncompatibleFeatures)incompatible,
            Compatible = isVersion3 ? U64(cluster, 80) : 0,
            Autoclear = isVersion3 ? U64(cluster, AutoclearField) : 0,
            RefcountOrder = (int)refcountOrder,
            CompressionType = compressionType,
            BackingName = backingName,
            Extensions = extensions,
        };
    }

    /// <summary>The names of the incompatible features that this header sets and the format does not define, for a message; null: none.</summary>
    internal string? UnknownIncompatibleFeatures()
    {
        var unknown = (ulong)(Incompatible & ~IncompatibleFeatures.Known);
        if (unknown == 0) return null;
        var names = new List<string>();
        for (; unknown != 0; unknown &= unknown - 1)
        {
            var bit = BitOperations.TrailingZeroCount(unknown);
            names.Add(FeatureNames.OfIncompatible(bit, Extensions) is { Length: > 0 } name ? $"bit {bit} ({name})" : $"bit {bit}");
        }
        return string.Join(", ", names);
    }

    private static (string? Name, int ExtensionsEnd) BackingFile(ReadOnlySpan<byte> cluster, int headerLength, int clusterBytes)
    {
        var offset = U64(cluster, 8);
        if (offset == 0) return (null, clusterBytes);
        var length = U32(cluster, 16);
        Require(length <= MaxBackingNameBytes, 16, $"backing file name of {length} bytes is longer than {MaxBackingNameBytes}");
        Require(offset >= (ulong)headerLength && offset + length <= (ulong)clusterBytes && offset <= (ulong)clusterBytes, 8, "backing file name lies outside the header cluster");
        return (length == 0 ? null : Encoding.UTF8.GetString(cluster.Slice((int)offset, (int)length)), (int)offset);
    }

    private static long Table(ReadOnlySpan<byte> cluster, int field, int clusterBytes, long tableBytes, string what)
    {
        var offset = U64(cluster, field);
        Require((offset & (ulong)(clusterBytes - 1)) == 0, field, $"{what} at 0x{offset:x} is not aligned to a cluster");
        Require(offset <= (ulong)(long.MaxValue - tableBytes), field, $"{what} at 0x{offset:x} lies beyond 2^63");
        return (long)offset;
    }

    private static uint U32(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32BigEndian(bytes[offset..]);

    private static ulong U64(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt64BigEndian(bytes[offset..]);

    private static void Require(bool condition, int offset, string message)
    {
        if (!condition) throw new Qcow2FormatException(Qcow2FormatError.Malformed, offset, message);
    }
}

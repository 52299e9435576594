using System.Buffers.Binary;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Hostile;

/// <summary>
/// The bytes of an image that is about to be bent, and where its parts lie, as the unbent header tells. All integers are big-endian.
/// </summary>
internal sealed class BentImage
{
    private BentImage(byte[] bytes) => Bytes = bytes;

    public byte[] Bytes { get; private set; }

    public int ClusterBits { get; private init; }

    public int Cluster => 1 << ClusterBits;

    public int L1 { get; private init; }

    public int L1Entries { get; private init; }

    public int RefcountTable { get; private init; }

    public int RefcountBlock { get; private init; }

    public int Snapshots { get; private init; }

    /// <summary>The first L2 table that the L1 table points to.</summary>
    public int L2 { get; private init; }

    /// <summary>Bytes of an L2 entry: 8 or 16.</summary>
    public int EntryBytes { get; private init; }

    /// <summary>Where the header extensions begin.</summary>
    public int Extensions { get; private init; }

    public int Length => Bytes.Length;

    public static BentImage Of(byte[] bytes)
    {
        var clusterBits = bytes[23];
        var isVersion3 = bytes[7] == 3;
        var l1 = (int)Read64(bytes, 40);
        var refcountTable = (int)Read64(bytes, 48);
        var l1Entries = (int)Read32(bytes, 36);
        var l2 = 0;
        for (var i = 0; i < l1Entries && l2 == 0; i++) l2 = (int)(Read64(bytes, l1 + (8 * i)) & 0x00ff_ffff_ffff_fe00);
        return new BentImage((byte[])bytes.Clone())
        {
            ClusterBits = clusterBits,
            L1 = l1,
            L1Entries = l1Entries,
            RefcountTable = refcountTable,
            RefcountBlock = (int)Read64(bytes, refcountTable),
            Snapshots = (int)Read64(bytes, 64),
            L2 = l2,
            EntryBytes = isVersion3 && (bytes[79] & 16) != 0 ? 16 : 8,
            Extensions = isVersion3 ? (int)Read32(bytes, 100) : 72,
        };
    }

    public ulong U64(int offset) => Read64(Bytes, offset);

    public uint U32(int offset) => Read32(Bytes, offset);

    /// <summary>Writes where the file has these bytes; behind its end nothing happens.</summary>
    public BentImage Set64(long offset, ulong value)
    {
        if (offset >= 0 && offset <= Length - 8) BinaryPrimitives.WriteUInt64BigEndian(Bytes.AsSpan((int)offset), value);
        return this;
    }

    public BentImage Set32(long offset, uint value)
    {
        if (offset >= 0 && offset <= Length - 4) BinaryPrimitives.WriteUInt32BigEndian(Bytes.AsSpan((int)offset), value);
        return this;
    }

    public BentImage Set16(long offset, ushort value)
    {
        if (offset >= 0 && offset <= Length - 2) BinaryPrimitives.WriteUInt16BigEndian(Bytes.AsSpan((int)offset), value);
        return this;
    }

    public BentImage Set(long offset, params ReadOnlySpan<byte> bytes)
    {
        if (offset >= 0 && offset <= Length - bytes.Length) bytes.CopyTo(Bytes.AsSpan((int)offset));
        return this;
    }

    /// <summary>Cuts the file, or makes it longer with zeros.</summary>
    public BentImage Resize(int length)
    {
        var bytes = Bytes;
        Array.Resize(ref bytes, Math.Max(0, length));
        Bytes = bytes;
        return this;
    }

    public MemoryBlockFile ToFile() => new(Bytes);

    private static ulong Read64(byte[] bytes, int offset) => offset >= 0 && offset <= bytes.Length - 8 ? BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(offset)) : 0;

    private static uint Read32(byte[] bytes, int offset) => offset >= 0 && offset <= bytes.Length - 4 ? BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(offset)) : 0;
}

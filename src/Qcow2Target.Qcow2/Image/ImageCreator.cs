using System.Buffers.Binary;
using System.Text;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// Makes new images: empty or overlay, version 3, deflate. Layout: header, refcount table, refcount blocks, L1 table, and with
/// <see cref="Preallocation.Metadata"/> the L2 tables and the space of all data clusters, side by side.
/// </summary>
public static class ImageCreator
{
    private const int HeaderBytes = 112;

    /// <summary>Writes a new image into an empty file and syncs it. It is no image before its header stands there, which is last.</summary>
    /// <exception cref="ArgumentException">The options contradict each other or a limit; nothing was written.</exception>
    /// <exception cref="BlockFileException">The file could not be written.</exception>
    public static void Create(IBlockFile file, ImageCreateOptions options)
    {
        var plan = NewImagePlan.For(options);
        var header = Header(plan, options);
        WriteCounts(file, plan);
        WriteTables(file, plan);
        file.Sync();
        file.Write(0, header);
        file.Sync();
    }

    private static void WriteCounts(IBlockFile file, NewImagePlan plan)
    {
        var geometry = plan.Geometry;
        var block = new byte[geometry.ClusterBytes];
        var table = new byte[plan.RefcountTableClusters << geometry.ClusterBits];
        for (long index = 0; index < plan.RefcountBlocks; index++)
        {
            var first = index * geometry.RefcountsPerBlock;
            block.AsSpan().Clear();
            for (var i = 0; i < geometry.RefcountsPerBlock && first + i < plan.Clusters; i++) RefcountBlock.Set(block, i, geometry.RefcountOrder, 1);
            var offset = (1 + plan.RefcountTableClusters + index) << geometry.ClusterBits;
            file.Write(offset, block);
            BinaryPrimitives.WriteInt64BigEndian(table.AsSpan((int)index * sizeof(ulong)), offset);
        }
        file.Write(geometry.ClusterBytes, table);
    }

    private static void WriteTables(IBlockFile file, NewImagePlan plan)
    {
        var geometry = plan.Geometry;
        var l1 = new byte[geometry.L1EntriesNeeded * sizeof(ulong)];
        if (plan.DataClusters == 0)
        {
            file.Write(plan.L1Start << geometry.ClusterBits, l1);
            return;
        }
        var table = new byte[geometry.ClusterBytes];
        for (var index = 0; index < geometry.L1EntriesNeeded; index++)
        {
            // Owned and never written: the space reads as zeros; with extended entries no sub-cluster is said to be there.
            table.AsSpan().Clear();
            var first = (long)index * geometry.L2EntryCount;
            for (var i = 0; i < geometry.L2EntryCount && first + i < plan.DataClusters; i++)
                BinaryPrimitives.WriteUInt64BigEndian(table.AsSpan(i * geometry.L2EntryBytes), Owned((plan.DataStart + first + i) << geometry.ClusterBits));
            var offset = (plan.L2Start + index) << geometry.ClusterBits;
            file.Write(offset, table);
            BinaryPrimitives.WriteUInt64BigEndian(l1.AsSpan(index * sizeof(ulong)), Owned(offset));
        }
        file.Write(plan.L1Start << geometry.ClusterBits, l1);
        // The length of the file, without the space.
        file.Write((plan.Clusters << geometry.ClusterBits) - ClusterGeometry.SectorBytes, new byte[ClusterGeometry.SectorBytes]);
    }

    private static ulong Owned(long offset) => (ulong)offset | (1UL << 63);

    private static byte[] Header(NewImagePlan plan, ImageCreateOptions options)
    {
        var geometry = plan.Geometry;
        var header = new byte[geometry.ClusterBytes];
        U32(0, ImageHeader.Magic);
        U32(4, 3);
        U32(20, (uint)geometry.ClusterBits);
        U64(24, options.VirtualSize);
        U32(36, (uint)geometry.L1EntriesNeeded);
        U64(40, plan.L1Start << geometry.ClusterBits);
        U64(ImageHeader.RefcountTableField, geometry.ClusterBytes);
        U32(56, (uint)plan.RefcountTableClusters);
        if (geometry.HasExtendedL2) U64(ImageHeader.IncompatibleField, (long)IncompatibleFeatures.ExtendedL2);
        if (options.Refcounting == RefcountDuty.Lazy) U64(80, 1);
        U32(96, (uint)geometry.RefcountOrder);
        U32(100, HeaderBytes);
        if (options.BackingName is null) return header;

        var position = HeaderBytes;
        var format = Encoding.UTF8.GetBytes(options.BackingFormat!);
        U32(position, (uint)HeaderExtensionType.BackingFormat);
        U32(position + 4, (uint)format.Length);
        format.CopyTo(header.AsSpan(position + 8));
        position += 8 + ((format.Length + 7) & ~7) + 8;
        var name = Encoding.UTF8.GetBytes(options.BackingName);
        if (name.Length is 0 or > ImageHeader.MaxBackingNameBytes || position + name.Length > header.Length)
            throw new ArgumentException($"a backing file name of {name.Length} bytes does not fit the header");
        name.CopyTo(header.AsSpan(position));
        U64(8, position);
        U32(16, (uint)name.Length);
        return header;

        void U32(int offset, uint value) => BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(offset), value);
        void U64(int offset, long value) => BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(offset), value);
    }
}

using System.Buffers.Binary;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// Gives the L1 table a larger place: its content, durable, then the twelve bytes of the header that tell its size and place, within a sector
/// and so whole or not at all, durable. Nothing may write an entry while it runs.
/// </summary>
internal sealed class MoveL1Work(IBlockFile file, MetadataWrite table, HostOffset host, int entries) : ImageWork
{
    /// <summary>Where the table goes.</summary>
    internal HostOffset Host => host;

    internal int Entries => entries;

    /// <summary>The content did not get there: the header still names the old table. False after a fault: it may name either.</summary>
    internal bool HeaderIsOld { get; private set; } = true;

    private protected override void Run()
    {
        file.Write(table.Offset, table.Bytes);
        HeaderIsOld = false;
        file.Sync();
        var field = new byte[sizeof(uint) + sizeof(ulong)];
        BinaryPrimitives.WriteInt32BigEndian(field, entries);
        BinaryPrimitives.WriteInt64BigEndian(field.AsSpan(sizeof(uint)), host.Value);
        file.Write(ImageHeader.L1TableField, field);
        file.Sync();
    }
}

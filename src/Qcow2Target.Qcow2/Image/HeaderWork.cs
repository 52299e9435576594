using System.Buffers.Binary;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Image;

/// <summary>Writes one feature word of the header in place, and makes it durable. Eight bytes within a sector: whole or not at all.</summary>
internal sealed class HeaderWork(IBlockFile file, int word, ulong value) : ImageWork
{
    /// <summary>Byte of the header where the word stands.</summary>
    internal int Word => word;

    internal bool SyncFailed { get; private set; }

    private protected override void Run()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        file.Write(word, bytes);
        SyncFailed = true;
        file.Sync();
        SyncFailed = false;
    }
}

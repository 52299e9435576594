using System.Buffers.Binary;

namespace Qcow2Target.Qcow2.Format;

/// <summary>Types of header extensions that have a meaning here.</summary>
public enum HeaderExtensionType : uint
{
    End = 0,
    BackingFormat = 0xe2792aca,
    FeatureNames = 0x6803f857,
    Bitmaps = 0x23852875,
    Encryption = 0x0537be77,
    DataFileName = 0x44415441,
}

/// <summary>One extension of the header: what is not known is carried along untouched, because the header is only written in place.</summary>
/// <param name="Offset">Byte of the file where its type stands.</param>
public sealed record HeaderExtension(HeaderExtensionType Type, int Offset, ReadOnlyMemory<byte> Data)
{
    private const int PrefixBytes = 8;

    public bool IsKnown => Enum.IsDefined(Type);

    /// <summary>Reads all extensions in <paramref name="area"/>, which begins at byte <paramref name="start"/> of the file.</summary>
    /// <remarks>The end marker has no data, but a length is judged there too: QEMU does so, and an image it refuses is none to write.</remarks>
    /// <exception cref="Qcow2FormatException">One reaches over the end of the area, or a known one stands there twice.</exception>
    public static IReadOnlyList<HeaderExtension> ParseAll(ReadOnlySpan<byte> area, int start)
    {
        var extensions = new List<HeaderExtension>();
        var seen = new HashSet<HeaderExtensionType>();
        var position = 0;
        while (area.Length - position >= PrefixBytes)
        {
            var type = (HeaderExtensionType)BinaryPrimitives.ReadUInt32BigEndian(area[position..]);
            var length = BinaryPrimitives.ReadUInt32BigEndian(area[(position + 4)..]);
            var offset = start + position;
            position += PrefixBytes;
            if (length > area.Length - position)
                throw new Qcow2FormatException(Qcow2FormatError.Malformed, offset, $"header extension 0x{(uint)type:x8} of {length} bytes reaches over the end of the header area");
            if (type == HeaderExtensionType.End) break;
            var extension = new HeaderExtension(type, offset, area.Slice(position, (int)length).ToArray());
            if (!seen.Add(type) && extension.IsKnown)
                throw new Qcow2FormatException(Qcow2FormatError.Malformed, offset, $"header extension {type} stands twice");
            extensions.Add(extension);
            position += (int)Math.Min((length + 7) & ~7u, (uint)(area.Length - position));
        }
        return extensions;
    }
}

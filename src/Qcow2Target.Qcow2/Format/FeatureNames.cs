using System.Text;

namespace Qcow2Target.Qcow2.Format;

/// <summary>The feature name table of a header: only for messages, so whatever stands there is made printable.</summary>
internal static class FeatureNames
{
    private const int EntryBytes = 48;

    /// <summary>Name of an incompatible feature bit as the image's own table tells it, or null.</summary>
    internal static string? OfIncompatible(int bit, IReadOnlyList<HeaderExtension> extensions)
    {
        var table = (extensions.FirstOrDefault(extension => extension.Type == HeaderExtensionType.FeatureNames)?.Data ?? default).Span;
        for (; table.Length >= EntryBytes; table = table[EntryBytes..])
            if (table[0] == 0 && table[1] == bit) return Printable(table[2..EntryBytes]);
        return null;
    }

    /// <summary>Text of the image for people to read: nothing in it can move a cursor or start a line.</summary>
    internal static string Printable(ReadOnlySpan<byte> text)
    {
        var end = text.IndexOf((byte)0);
        var name = Encoding.UTF8.GetString(end < 0 ? text : text[..end]);
        return string.Concat(name.Select(c => char.IsControl(c) || char.IsSurrogate(c) || c == '\ufffd' ? '?' : c));
    }
}

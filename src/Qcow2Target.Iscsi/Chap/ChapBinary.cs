using System.Buffers.Text;
using System.Text;

namespace Qcow2Target.Iscsi.Chap;

/// <summary>Binary values of text keys (RFC 7143 6.1): hexadecimal after 0x, base64 after 0b.</summary>
internal static class ChapBinary
{
    /// <summary>Longest value, bytes decoded.</summary>
    private const int MaxBytes = 1024;

    /// <summary>Hexadecimal: what every initiator reads.</summary>
    public static string Encode(ReadOnlySpan<byte> bytes) => "0x" + Convert.ToHexStringLower(bytes);

    /// <returns>The bytes; null: malformed, empty, or too long.</returns>
    public static byte[]? Decode(string value)
    {
        if (value.Length < 3 || value[0] != '0' || value.Length > 2 + (MaxBytes * 2)) return null;
        var digits = value.AsSpan(2);
        var bytes = value[1] switch
        {
            'x' or 'X' => FromHex(digits),
            'b' or 'B' => FromBase64(digits),
            _ => null,
        };
        return bytes is { Length: > 0 and <= MaxBytes } ? bytes : null;
    }

    private static byte[]? FromHex(ReadOnlySpan<char> digits)
    {
        // Half a byte may be left out at the front.
        var whole = digits.Length % 2 == 0 ? digits.ToString() : $"0{digits}";
        var bytes = new byte[whole.Length / 2];
        return Convert.FromHexString(whole, bytes, out _, out var written) == System.Buffers.OperationStatus.Done && written == bytes.Length ? bytes : null;
    }

    private static byte[]? FromBase64(ReadOnlySpan<char> digits)
    {
        var text = Encoding.UTF8.GetBytes(digits.ToString());
        var bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(text.Length)];
        return Base64.DecodeFromUtf8(text, bytes, out _, out var written) == System.Buffers.OperationStatus.Done ? bytes[..written] : null;
    }
}

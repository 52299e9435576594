using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Qcow2Target.Iscsi.Login;

/// <summary>Text segments as key=value pairs (RFC 7143 6.1).</summary>
public static class TextPairs
{
    /// <summary>Longest key name, bytes.</summary>
    public const int MaxKeyBytes = 63;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Cuts a whole text into its pairs, in order. False where it is malformed: then <paramref name="problem"/> says how.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out List<KeyValuePair<string, string>> pairs, [NotNullWhen(false)] out string? problem)
    {
        pairs = [];
        while (text.Length > 0)
        {
            var end = text.IndexOf((byte)0);
            if (end < 0) return Fail("the last pair has no end", out problem);
            var pair = text[..end];
            text = text[(end + 1)..];
            if (pair.IsEmpty) continue;
            var equals = pair.IndexOf((byte)'=');
            if (equals <= 0) return Fail("a pair has no key", out problem);
            if (equals > MaxKeyBytes) return Fail("a key is longer than 63 bytes", out problem);
            if (!IsKey(pair[..equals])) return Fail("a key holds a character that keys do not have", out problem);
            if (pairs.Count == IscsiLimits.MaxTextPairs) return Fail("there are too many keys", out problem);
            try
            {
                pairs.Add(new(Encoding.ASCII.GetString(pair[..equals]), Utf8.GetString(pair[(equals + 1)..])));
            }
            catch (DecoderFallbackException)
            {
                return Fail("a value is not UTF-8", out problem);
            }
        }

        problem = null;
        return true;
    }

    /// <summary>Appends <c>key=value NUL</c>.</summary>
    public static void Append(List<byte> text, string key, string value)
    {
        text.AddRange(Encoding.ASCII.GetBytes(key));
        text.Add((byte)'=');
        text.AddRange(Utf8.GetBytes(value));
        text.Add(0);
    }

    private static bool Fail(string words, out string problem)
    {
        problem = words;
        return false;
    }

    // Keys start with a capital letter (RFC 7143 6.1), but what does not is only a key that nobody knows: SendTargets spelt otherwise is answered, not broken.
    private static bool IsKey(ReadOnlySpan<byte> key)
    {
        foreach (var one in key)
        {
            if (!char.IsAsciiLetterOrDigit((char)one) && !".-+@_#".Contains((char)one)) return false;
        }

        return true;
    }
}

using System.Text;

namespace Qcow2Target.Iscsi.Login;

/// <summary>iSCSI names (RFC 7143 4.2.7).</summary>
public static class IscsiName
{
    /// <summary>Longest name in bytes of UTF-8.</summary>
    public const int MaxBytes = 223;

    /// <summary>Names are equal when they are after lower-casing.</summary>
    public static bool Equal(string a, string b) => string.Equals(a, b, StringComparison.OrdinalIgnoreCase);

    /// <summary>The form to look names up by.</summary>
    public static string Normalize(string name) => name.ToLowerInvariant();

    /// <summary>A name that an initiator may bear: any text of 1 to 223 bytes without control characters. Many lab initiators do not follow iqn. and eui. closely.</summary>
    public static bool IsUsable(string name)
        => name.Length > 0 && !name.Any(char.IsControl) && Encoding.UTF8.GetByteCount(name) <= MaxBytes;
}

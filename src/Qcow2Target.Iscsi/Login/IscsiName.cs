namespace Qcow2Target.Iscsi.Login;

/// <summary>iSCSI names (RFC 7143 4.2.7).</summary>
public static class IscsiName
{
    /// <summary>Longest name in bytes of UTF-8.</summary>
    public const int MaxBytes = 223;

    /// <summary>Names are equal when they are after lower-casing.</summary>
    public static bool Equal(string a, string b) => string.Equals(a, b, StringComparison.OrdinalIgnoreCase);
}

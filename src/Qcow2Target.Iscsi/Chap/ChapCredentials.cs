using System.Text;

namespace Qcow2Target.Iscsi.Chap;

/// <summary>A CHAP name with its secret. Never printed.</summary>
/// <param name="Name">CHAP_N: text of 1 to 223 bytes.</param>
/// <param name="Secret">Text of <see cref="MinSecretBytes"/> to <see cref="MaxSecretBytes"/> bytes of UTF-8. 12 to 16 work with every initiator.</param>
public sealed record ChapCredentials(string Name, string Secret)
{
    /// <summary>96 bits, below which RFC 7143 12.1.3.1 asks for IPsec.</summary>
    public const int MinSecretBytes = 12;

    public const int MaxSecretBytes = 255;

    /// <summary>What is wrong with these credentials, in words; null: they can be used.</summary>
    public string? FindProblem()
    {
        if (Name.Length == 0 || Name.Any(char.IsControl) || Encoding.UTF8.GetByteCount(Name) > Login.IscsiName.MaxBytes)
            return $"a CHAP name is text of 1 to {Login.IscsiName.MaxBytes} bytes";
        return Encoding.UTF8.GetByteCount(Secret) is >= MinSecretBytes and <= MaxSecretBytes && !Secret.Any(char.IsControl)
            ? null
            : $"the CHAP secret of '{Name}' is not text of {MinSecretBytes} to {MaxSecretBytes} bytes";
    }

    public override string ToString() => Name;
}

/// <summary>What CHAP a login goes through.</summary>
/// <param name="Users">Whom the target takes in: one of these.</param>
/// <param name="Mutual">How the target proves itself to an initiator that asks for it; null: it cannot.</param>
/// <param name="IsRequired">False: an initiator may come without.</param>
public sealed record ChapRequirement(IReadOnlyList<ChapCredentials> Users, ChapCredentials? Mutual, bool IsRequired);

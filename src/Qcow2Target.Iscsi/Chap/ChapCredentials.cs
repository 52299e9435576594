namespace Qcow2Target.Iscsi.Chap;

/// <summary>A CHAP name with its secret. Never printed.</summary>
/// <param name="Name">CHAP_N: text of 1 to 223 bytes.</param>
/// <param name="Secret">Text, hashed as UTF-8. 12 to 16 bytes work with every initiator; below 96 bits RFC 7143 12.1.3.1 asks for IPsec.</param>
public sealed record ChapCredentials(string Name, string Secret)
{
    public override string ToString() => Name;
}

/// <summary>What CHAP a login goes through.</summary>
/// <param name="Users">Whom the target takes in: one of these.</param>
/// <param name="Mutual">How the target proves itself to an initiator that asks for it; null: it cannot.</param>
/// <param name="IsRequired">False: an initiator may come without.</param>
public sealed record ChapRequirement(IReadOnlyList<ChapCredentials> Users, ChapCredentials? Mutual, bool IsRequired);

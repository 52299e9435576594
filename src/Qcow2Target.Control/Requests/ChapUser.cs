namespace Qcow2Target.Control.Requests;

/// <summary>A CHAP name with its secret, as ADDTARGET and SETACCESS give it. No reply and no text of an error ever holds the secret.</summary>
/// <param name="Name">Text of 1 to 223 bytes.</param>
/// <param name="Secret">Text of 12 to 255 bytes; 12 to 16 work with every initiator.</param>
public sealed record ChapUser(string Name, string Secret)
{
    public override string ToString() => Name;
}

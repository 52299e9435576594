namespace Qcow2Target.EndToEnd.Tests.Initiator;

/// <summary>The target answered a login with a status other than success (RFC 7143 section 11.13.5).</summary>
internal sealed class LoginRefusedException(byte statusClass, byte statusDetail)
    : Exception($"login refused with status class 0x{statusClass:x2}, detail 0x{statusDetail:x2}")
{
    public byte StatusClass { get; } = statusClass;
    public byte StatusDetail { get; } = statusDetail;
}

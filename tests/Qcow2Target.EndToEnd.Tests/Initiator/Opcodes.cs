namespace Qcow2Target.EndToEnd.Tests.Initiator;

/// <summary>Opcodes of RFC 7143 section 11.2.1.2; the immediate bit is added by the sender.</summary>
internal static class Opcodes
{
    public const byte NopOut = 0x00;
    public const byte ScsiCommand = 0x01;
    public const byte TaskManagement = 0x02;
    public const byte Login = 0x03;
    public const byte Text = 0x04;
    public const byte DataOut = 0x05;
    public const byte Logout = 0x06;
    public const byte Snack = 0x10;
    public const byte NopIn = 0x20;
    public const byte ScsiResponse = 0x21;
    public const byte TaskManagementResponse = 0x22;
    public const byte LoginResponse = 0x23;
    public const byte TextResponse = 0x24;
    public const byte DataIn = 0x25;
    public const byte LogoutResponse = 0x26;
    public const byte ReadyToTransfer = 0x31;
    public const byte AsyncMessage = 0x32;
    public const byte Reject = 0x3F;
    public const byte Immediate = 0x40;
}

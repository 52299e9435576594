namespace Qcow2Target.Iscsi.Pdus;

/// <summary>Reason of a Logout Request (RFC 7143 11.14.1).</summary>
public enum LogoutReason : byte
{
    CloseSession = 0,
    CloseConnection = 1,
    RemoveForRecovery = 2,
}

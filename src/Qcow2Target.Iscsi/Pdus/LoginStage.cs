namespace Qcow2Target.Iscsi.Pdus;

/// <summary>Stages of a connection (RFC 7143 11.12.3). 2 is reserved.</summary>
public enum LoginStage : byte
{
    SecurityNegotiation = 0,
    LoginOperationalNegotiation = 1,
    FullFeature = 3,
}

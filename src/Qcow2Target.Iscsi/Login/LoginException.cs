namespace Qcow2Target.Iscsi.Login;

/// <summary>A login that cannot go on, with the status that the initiator is told. Never leaves <see cref="LoginMachine"/>.</summary>
internal sealed class LoginException(LoginStatus status, string explanation) : Exception(explanation)
{
    public LoginStatus LoginStatus { get; } = status;
}

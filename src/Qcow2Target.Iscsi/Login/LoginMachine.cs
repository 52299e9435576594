namespace Qcow2Target.Iscsi.Login;

/// <summary>
/// The login phase of one connection (RFC 7143 6.3, 11.12, 11.13): bytes in, steps out. One thread at a time. The owner limits the time.
/// </summary>
public sealed class LoginMachine
{
    public LoginMachine(LoginOffers offers) => throw new NotImplementedException();

    /// <summary>
    /// Takes at most one PDU from the start of <paramref name="input"/>, which starts at a PDU's first byte. Bytes that are not consumed
    /// are to be given again, with more behind them.
    /// </summary>
    public LoginStep Receive(ReadOnlySpan<byte> input, out int consumed) => throw new NotImplementedException();

    /// <summary>Answers <see cref="LoginStep.NeedAdmission"/>; yields Send, Established or SendAndClose.</summary>
    public LoginStep Admit(AdmissionDecision decision) => throw new NotImplementedException();
}

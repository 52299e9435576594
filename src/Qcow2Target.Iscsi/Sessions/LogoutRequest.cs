namespace Qcow2Target.Iscsi.Sessions;

/// <summary>A Logout Request that ends the session (reasons 0 and 1; others the machine answers itself).</summary>
public sealed class LogoutRequest
{
    private readonly SessionMachine _machine;
    private readonly uint _initiatorTaskTag;

    internal LogoutRequest(SessionMachine machine, uint initiatorTaskTag, Task quiet)
    {
        _machine = machine;
        _initiatorTaskTag = initiatorTaskTag;
        Quiet = quiet;
    }

    /// <summary>Ends when no write of this session is under way any more.</summary>
    public Task Quiet { get; }

    /// <summary>Sends the Logout Response, the last PDU of the connection: when it is sent, <see cref="SessionMachine.IsFinished"/> is true and the owner closes. Any thread, once.</summary>
    public void Respond(LogoutResponseCode response) => _machine.RespondLogout(_initiatorTaskTag, response);
}

/// <summary>Response of a Logout Response PDU (RFC 7143 11.15.1).</summary>
public enum LogoutResponseCode : byte
{
    Success = 0,
    ConnectionNotFound = 1,
    RecoveryNotSupported = 2,
    CleanupFailed = 3,
}

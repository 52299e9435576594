namespace Qcow2Target.Iscsi.Sessions;

/// <summary>What a session's machine tells its owner. Never called while the machine holds a lock.</summary>
public interface ISessionEvents
{
    /// <summary>
    /// Output was appended, or parked work may go on, outside <see cref="SessionMachine.Receive"/> and <see cref="SessionMachine.Pump"/>: send, and
    /// let the connection's thread call <see cref="SessionMachine.Pump"/> while <see cref="SessionMachine.HasParkedWork"/>. Called on the thread that
    /// completed something; must not block.
    /// </summary>
    void OutputReady();

    /// <summary>
    /// The initiator asked to leave. All tasks are aborted already and no further command is taken. The owner takes the nexus out of its lists when
    /// <see cref="LogoutRequest.Quiet"/> has ended, then calls <see cref="LogoutRequest.Respond"/>. Called on the connection's thread; must not block.
    /// </summary>
    void LogoutRequested(LogoutRequest request);
}

using Qcow2Target.Iscsi.Sessions;

namespace Qcow2Target.Actors.Sessions;

/// <summary>Who decides for a connection: its session's actor, told from the connection's thread or a worker's. Must not block.</summary>
internal interface ISessionOwner
{
    static readonly ISessionOwner None = new Unowned();

    void LogoutRequested(LogoutRequest request);

    void TaskManagementRequested(TaskManagementRequest request);

    void ExecutorFailed(Exception cause);

    void ConnectionEnded();

    private sealed class Unowned : ISessionOwner
    {
        public void LogoutRequested(LogoutRequest request) => request.Respond(LogoutResponseCode.Success);

        public void TaskManagementRequested(TaskManagementRequest request) => request.Respond(TaskManagementResponse.Rejected);

        public void ExecutorFailed(Exception cause)
        {
            // Nobody has taken the session over: its end says enough.
        }

        public void ConnectionEnded()
        {
            // As above.
        }
    }
}

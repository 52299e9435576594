using Qcow2Target.Iscsi.Buffers;
using Qcow2Target.Iscsi.Login;

namespace Qcow2Target.Iscsi.Sessions;

/// <summary>
/// The full-feature phase of one session on its one connection (MaxConnections 1, ERL 0): bytes in, bytes out, no socket.
/// <para>Threads: <see cref="Receive"/> and <see cref="Pump"/> on the connection's thread; <see cref="TryPeekOutput"/> and <see cref="Advance"/> on any
/// thread, one at a time (the owner's send lock); everything else on any thread at any time.</para>
/// </summary>
public sealed class SessionMachine
{
    public SessionMachine(SessionParameters parameters, ICommandExecutor executor, ITargetDirectory directory, ISessionEvents events, BufferPool buffers)
        => throw new NotImplementedException();

    public SessionParameters Parameters => throw new NotImplementedException();

    /// <summary>Bytes that the owner's receive buffer must be able to hold: the largest PDU.</summary>
    public int MaxPduBytes => throw new NotImplementedException();

    /// <summary>
    /// Handles the complete PDUs at the start of <paramref name="input"/>, which starts at a PDU's first byte. The bytes are not touched after the call.
    /// </summary>
    public ReceiveResult Receive(ReadOnlySpan<byte> input) => throw new NotImplementedException();

    /// <summary>Goes on with reads that were parked because too much output was unsent. Call after output was sent while <see cref="HasParkedWork"/>.</summary>
    public void Pump() => throw new NotImplementedException();

    public bool HasParkedWork => throw new NotImplementedException();

    /// <summary>The next bytes to send, or false. They stay valid and the same until <see cref="Advance"/>.</summary>
    public bool TryPeekOutput(out ReadOnlyMemory<byte> bytes) => throw new NotImplementedException();

    /// <summary>The first <paramref name="count"/> bytes of what was peeked have been sent.</summary>
    public void Advance(int count) => throw new NotImplementedException();

    /// <summary>True when the last PDU (Logout Response, or what preceded a fault) has been sent: close the socket, then <see cref="Close"/>.</summary>
    public bool IsFinished => throw new NotImplementedException();

    /// <summary>Why no more input is taken; null as long as it is, and after a logout.</summary>
    public SessionFault? Fault => throw new NotImplementedException();

    /// <summary>Tasks alive (not aborted, not answered).</summary>
    public int TaskCount => throw new NotImplementedException();

    /// <summary>Pings sent by <see cref="SendPing"/> and not answered yet.</summary>
    public int UnansweredPings => throw new NotImplementedException();

    /// <summary>Sends a NOP-In that asks for an answer (keepalive).</summary>
    public void SendPing() => throw new NotImplementedException();

    /// <summary>Sends an Async Message (RFC 7143 11.9).</summary>
    public void SendAsyncMessage(AsyncEvent asyncEvent, ulong lun, ReadOnlySpan<byte> sense, ushort parameter1 = 0, ushort parameter2 = 0, ushort parameter3 = 0)
        => throw new NotImplementedException();

    /// <summary>Aborts what matches: no status will be sent, running reads are dropped, R2Ts forgotten, writes under way waited for by <see cref="AbortResult.Quiet"/>.</summary>
    public AbortResult AbortTasks(TaskFilter filter) => throw new NotImplementedException();

    /// <summary>The one way down, idempotent: everything is aborted, no more input or output.</summary>
    public void Close() => throw new NotImplementedException();

    /// <summary>Ends after <see cref="Close"/>, when every operation of the executor has returned and every buffer is back.</summary>
    public Task Completion => throw new NotImplementedException();

    internal void RespondTaskManagement(TaskManagementRequest request, TaskManagementResponse response) => throw new NotImplementedException();

    internal void RespondLogout(uint initiatorTaskTag, LogoutResponseCode response) => throw new NotImplementedException();
}

/// <summary>Event of an Async Message (RFC 7143 11.9.1).</summary>
public enum AsyncEvent : byte
{
    Scsi = 0,
    LogoutRequest = 1,
    DropConnection = 2,
    DropAllConnections = 3,
    Renegotiate = 4,
}

namespace Qcow2Target.Control.Client;

/// <summary>Why a control client got no reply.</summary>
public enum ControlClientError
{
    /// <summary>There is no file at the socket's path: the daemon does not run, or listens elsewhere.</summary>
    NoSocket,

    /// <summary>There is a file, and nobody listens on it: the daemon was killed, or it is no socket.</summary>
    NobodyListens,

    /// <summary>The socket's permissions keep us out.</summary>
    AccessDenied,

    /// <summary>The path cannot name a socket (about 107 bytes is the longest).</summary>
    InvalidPath,

    /// <summary>The time limit passed. What was asked for may still happen.</summary>
    TimedOut,

    /// <summary>The daemon closed the connection before it replied.</summary>
    ClosedEarly,

    /// <summary>What came back is no reply of the contract.</summary>
    MalformedReply,

    /// <summary>The socket failed otherwise.</summary>
    Io,
}

/// <summary>A request that got no reply. A reply that says "failed" is no exception: see <see cref="Replies.FailureReply"/>.</summary>
public sealed class ControlClientException(ControlClientError error, string message, Exception? inner = null)
    : IOException(message, inner)
{
    public ControlClientError Error { get; } = error;
}

namespace Qcow2Target.Control.Replies;

/// <summary>State of a logical unit. On the wire: the name in lower case.</summary>
public enum LunState
{
    /// <summary>Serves.</summary>
    Ready,

    /// <summary>Its image is being opened.</summary>
    Opening,

    /// <summary>An error took it out of service; it will be recovered.</summary>
    Faulted,

    /// <summary>It is being recovered.</summary>
    Recovering,

    /// <summary>Its image could not be opened; that goes on being tried, or waits for the administrator.</summary>
    Degraded,

    /// <summary>Its image contradicts itself: it is read and not written.</summary>
    WriteProtected,

    /// <summary>It is being detached, and serves no more.</summary>
    Detaching,
}

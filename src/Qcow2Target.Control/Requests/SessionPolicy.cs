namespace Qcow2Target.Control.Requests;

/// <summary>What to do when initiators are connected to the target: the field <c>force</c>.</summary>
public enum SessionPolicy
{
    /// <summary>Refuse the request (no <c>force</c>, or false).</summary>
    RefuseIfConnected,

    /// <summary>End the sessions first: logout request, then close (<c>"force": true</c>).</summary>
    EndSessions,
}

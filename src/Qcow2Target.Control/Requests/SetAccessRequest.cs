using Qcow2Target.Control.Errors;

namespace Qcow2Target.Control.Requests;

/// <summary>SETACCESS: change who may use a target, from the next login on. Answered by <see cref="Replies.EmptyReply"/>.</summary>
/// <param name="TargetName">Name of the target as given.</param>
/// <param name="Access">The conditions to change.</param>
public sealed record SetAccessRequest(string TargetName, AccessConditions Access) : ControlRequest
{
    public override string Type => RequestTypes.SetAccess;

    /// <inheritdoc/>
    public override ControlError? FindFault() => Access.FindFault();
}

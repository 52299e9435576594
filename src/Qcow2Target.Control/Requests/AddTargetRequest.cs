using Qcow2Target.Control.Errors;

namespace Qcow2Target.Control.Requests;

/// <summary>ADDTARGET: a new target without logical units. Answered by <see cref="Replies.EmptyReply"/>.</summary>
/// <param name="TargetName">Its name, shown as given; see <see cref="IscsiName"/>.</param>
/// <param name="Access">Who may use it; null: everybody.</param>
public sealed record AddTargetRequest(string TargetName, AccessConditions? Access = null) : ControlRequest
{
    public override string Type => RequestTypes.AddTarget;

    /// <inheritdoc/>
    public override ControlError? FindFault() =>
        IscsiName.FindTargetNameFault(TargetName) is { } fault ? ControlErrors.InvalidTargetName(TargetName, fault) : Access?.FindFault();
}

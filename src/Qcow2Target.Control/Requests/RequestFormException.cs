using Qcow2Target.Control.Errors;

namespace Qcow2Target.Control.Requests;

/// <summary>A line that is no request of the contract. Stays inside the codec: callers get a <see cref="RequestOutcome"/>.</summary>
internal sealed class RequestFormException(ControlError error) : Exception(error.Text)
{
    public ControlError Error { get; } = error;
}

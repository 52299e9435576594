using Qcow2Target.Control.Errors;

namespace Qcow2Target.Control.Requests;

/// <summary>
/// One request of the control socket: one of the records of this folder. A request read by <see cref="RequestCodec"/> has the right
/// form (fields, types); whether its values make sense is asked of <see cref="FindFault"/>, after its target was looked up: the
/// contract promises <c>target does not exist</c> before anything else is judged.
/// </summary>
public abstract record ControlRequest
{
    private protected ControlRequest()
    {
    }

    /// <summary>The <c>type</c> of the request on the wire, one of <see cref="RequestTypes"/>.</summary>
    public abstract string Type { get; }

    /// <summary>What is wrong with the values, or null. To be called when the target, where the request names one, is known to exist.</summary>
    public virtual ControlError? FindFault() => null;
}

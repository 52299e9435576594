using System.Diagnostics.CodeAnalysis;
using Qcow2Target.Control.Errors;

namespace Qcow2Target.Control.Requests;

/// <summary>What a line turned out to be: a request, or an error to be answered. Exactly one of the two is there.</summary>
public readonly record struct RequestOutcome
{
    private RequestOutcome(ControlRequest? request, ControlError? error) => (Request, Error) = (request, error);

    public ControlRequest? Request { get; }

    public ControlError? Error { get; }

    [MemberNotNullWhen(true, nameof(Request))]
    [MemberNotNullWhen(false, nameof(Error))]
    public bool IsRequest => Request is not null;

    internal static RequestOutcome Of(ControlRequest request) => new(request, null);

    internal static RequestOutcome Of(ControlError error) => new(null, error);
}

using Qcow2Target.Control.Replies;

namespace Qcow2Target.Control.Client;

/// <summary>A reply as <see cref="ControlClient"/> got it.</summary>
/// <param name="Line">The line as it came, without its line end.</param>
/// <param name="Reply">What it says: the reply of the request's type, or <see cref="FailureReply"/>.</param>
public sealed record ControlExchange(string Line, ControlReply Reply);

using Qcow2Target.Control.Errors;
using Qcow2Target.Control.Requests;

namespace Qcow2Target.Control.Replies;

/// <summary>One reply of the control socket: one of the records of this file's folder.</summary>
public abstract record ControlReply
{
    private protected ControlReply()
    {
    }

    /// <summary>The reply's <c>Type</c> on the wire, one of <see cref="RequestTypes"/>.</summary>
    public abstract string Type { get; }
}

/// <summary>Success of ATTACH.</summary>
/// <param name="LunId">The id the logical unit was given, 0 to <see cref="ControlLimits.MaxLunId"/>.</param>
public sealed record AttachReply(int LunId) : ControlReply
{
    public override string Type => RequestTypes.Attach;
}

/// <summary>Success of DETACHLUN.</summary>
/// <param name="FilePath">Absolute path of the image that is free now.</param>
public sealed record DetachLunReply(string FilePath) : ControlReply
{
    public override string Type => RequestTypes.DetachLun;
}

/// <summary>Success of CLEARTARGET.</summary>
/// <param name="FreedPaths">Absolute paths of the images that are free now, in the order of their LUN ids.</param>
public sealed record ClearTargetReply(IReadOnlyList<string> FreedPaths) : ControlReply
{
    public override string Type => RequestTypes.ClearTarget;
}

/// <summary>Success of RESIZE.</summary>
/// <param name="Size">What the disk has now, in bytes; durable.</param>
public sealed record ResizeReply(long Size) : ControlReply
{
    public override string Type => RequestTypes.Resize;
}

/// <summary>Success of LIST. Its type stays LIST where there is no target: clients in use insist on it.</summary>
/// <param name="Targets">The targets, in the order in which they shall be written.</param>
/// <param name="Detail">How much of them is written.</param>
public sealed record ListReply(IReadOnlyList<TargetListing> Targets, ListDetail Detail) : ControlReply
{
    public override string Type => RequestTypes.List;
}

/// <summary>Success of ADDTARGET and DELETETARGET.</summary>
public sealed record EmptyReply : ControlReply
{
    /// <summary>The one reply of this kind.</summary>
    public static EmptyReply Instance { get; } = new();

    public override string Type => RequestTypes.Empty;
}

/// <summary>Failure of any request, or a line that is no request.</summary>
public sealed record FailureReply(ControlError Error) : ControlReply
{
    public override string Type => RequestTypes.Empty;
}

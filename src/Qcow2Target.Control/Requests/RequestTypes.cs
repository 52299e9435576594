namespace Qcow2Target.Control.Requests;

/// <summary>The values of a request's <c>type</c> and of a reply's <c>Type</c>, as they stand on the wire.</summary>
public static class RequestTypes
{
    public const string Attach = "ATTACH";
    public const string DetachLun = "DETACHLUN";
    public const string AddTarget = "ADDTARGET";
    public const string DeleteTarget = "DELETETARGET";
    public const string ClearTarget = "CLEARTARGET";
    public const string List = "LIST";
    public const string Resize = "RESIZE";
    public const string SetAccess = "SETACCESS";
    public const string Check = "CHECK";

    /// <summary><c>Type</c> of a reply without a result: success of ADDTARGET and DELETETARGET, and every failure.</summary>
    public const string Empty = "EMPTY";

    /// <summary>All that a request may say: the six of the contract in its order, then what was added.</summary>
    public static IReadOnlyList<string> All { get; } = [Attach, DetachLun, AddTarget, DeleteTarget, ClearTarget, List, Resize, SetAccess, Check];
}

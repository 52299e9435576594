namespace Qcow2Target.Control.Requests;

/// <summary>How much LIST tells: the field <c>details</c>.</summary>
public enum ListDetail
{
    /// <summary>The fields of the contract, and <c>state</c> where a LUN is not ready. Kept small: a client in use fails over 64 KiB.</summary>
    Contract,

    /// <summary>All that is known (<c>"details": true</c>, or <c>target_name</c> given).</summary>
    Full,
}

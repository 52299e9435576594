namespace Qcow2Target.Control.Requests;

/// <summary>What becomes of zeros that an initiator writes: the field <c>detect_zeroes</c>.</summary>
public enum ZeroPolicy
{
    /// <summary>They are written like any other bytes (no <c>detect_zeroes</c>, or false).</summary>
    Write,

    /// <summary>Whole clusters of zeros take no space (<c>"detect_zeroes": true</c>).</summary>
    Unmap,
}

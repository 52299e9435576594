namespace Qcow2Target.Control.Requests;

/// <summary>What becomes of data that is not on disk yet when an image is closed: the field <c>flush</c>.</summary>
public enum FlushPolicy
{
    /// <summary>The file is complete on disk before the reply (no <c>flush</c>, or true).</summary>
    Flush,

    /// <summary>Drop it: the image is about to be deleted (<c>"flush": false</c>).</summary>
    Drop,
}

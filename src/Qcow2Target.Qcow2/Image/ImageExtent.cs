namespace Qcow2Target.Qcow2.Image;

/// <summary>Whether guest bytes hold space in an image or in the layers below it.</summary>
public enum ExtentState
{
    /// <summary>They hold space, or their bytes come from a raw layer, of which nothing more is known.</summary>
    Mapped,

    /// <summary>They hold none and read as zeros.</summary>
    Deallocated,
}

/// <summary>Neighbouring guest bytes in one state.</summary>
/// <param name="Length">Bytes, a multiple of 512, at least one.</param>
public readonly record struct ImageExtent(long Length, ExtentState State);

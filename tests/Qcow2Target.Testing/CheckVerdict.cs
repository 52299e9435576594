namespace Qcow2Target.Testing;

/// <summary>What <c>qemu-img check</c> says of an image, by its exit code.</summary>
public enum CheckVerdict
{
    Clean = 0,

    /// <summary>It could not be checked (locked, unreadable, no image).</summary>
    NotChecked = 1,
    Corrupt = 2,
    LeaksOnly = 3,

    /// <summary>The format has no check.</summary>
    NoCheck = 63,
}

namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// What the lock-free paths of an image and its writer share: whether in-place writes may start, and who is inside. Shut before the first
/// change has been announced in the header, after a failure, and for good when the image closes.
/// </summary>
internal sealed class WriteGate
{
    private volatile bool _isOpen;

    internal ReaderEpoch Epoch { get; } = new();

    /// <summary>Asked after counting oneself in: a writer that shuts the gate and then waits for the epoch has seen the last one leave.</summary>
    internal bool IsOpen => _isOpen;

    internal void Open() => _isOpen = true;

    internal void Shut() => _isOpen = false;
}

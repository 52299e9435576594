namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// One layer of a chain as those above see it: bytes by guest offset. Layers are addressed by bytes and never by cluster, because each
/// has its own cluster size. Reads must lie inside <see cref="Length"/>; all members may be called from several threads at once.
/// </summary>
public interface IImageLayer
{
    /// <summary>Virtual length in bytes. A shorter layer reads as zeros behind its end; who reads it sees to that.</summary>
    long Length { get; }

    /// <summary>Reads whole without waiting for a disk. False: nothing can be said of <paramref name="destination"/>, use <see cref="Read"/>.</summary>
    /// <exception cref="ImageFaultException">The file reported an error.</exception>
    bool TryRead(long offset, Span<byte> destination);

    /// <summary>Reads whole; waits where it must.</summary>
    /// <exception cref="ImageFaultException">The file reported an error, or the image contradicts itself here.</exception>
    void Read(long offset, Span<byte> destination);
}

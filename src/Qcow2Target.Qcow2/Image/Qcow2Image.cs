using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// An open qcow2 image with its backing chain. Reads, and writes into clusters that are there and not shared, go straight through it from
/// any thread; everything that changes metadata goes through <see cref="Writer"/>.
/// </summary>
public sealed class Qcow2Image : IImageLayer, IDisposable
{
    private Qcow2Image()
    {
    }

    /// <summary>Opens an image and its chain. Waits for disks.</summary>
    /// <exception cref="Qcow2FormatException">The image or a layer below is malformed or needs what is not supported.</exception>
    /// <exception cref="Io.ImageFileException">A file is not there, not allowed or in use.</exception>
    /// <exception cref="Io.BlockFileException">A file could not be read.</exception>
    public static Qcow2Image Open(ImageOpenOptions options) => throw new NotSupportedException();

    /// <summary>Virtual size in bytes, a multiple of 512.</summary>
    public long Length => throw new NotSupportedException();

    public bool IsReadOnly => throw new NotSupportedException();

    public ClusterGeometry Geometry => throw new NotSupportedException();

    public ImageInfo Info => throw new NotSupportedException();

    /// <summary>The writer of an image opened for writing; null on a read-only one.</summary>
    public MetadataWriter? Writer => throw new NotSupportedException();

    /// <inheritdoc/>
    public bool TryRead(long offset, Span<byte> destination) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void Read(long offset, Span<byte> destination) => throw new NotSupportedException();

    /// <summary>
    /// Writes whole, at once, if every cluster touched is allocated to this image alone. False: a part may have been written; submit a
    /// <see cref="WriteRequest"/>.
    /// </summary>
    /// <exception cref="ImageFaultException">The file reported an error.</exception>
    public bool TryWrite(long offset, ReadOnlySpan<byte> source) => throw new NotSupportedException();

    /// <summary>Closes the file and gives the backing images back. No call may be running; a writer is closed first.</summary>
    public void Dispose() => throw new NotSupportedException();
}

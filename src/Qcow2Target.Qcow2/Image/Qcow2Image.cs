using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// An open qcow2 image with its backing chain. Reads, and writes into clusters that are there and not shared, go straight through it from
/// any thread; everything that changes metadata goes through <see cref="Writer"/>.
/// </summary>
public sealed class Qcow2Image : IImageLayer, IDisposable
{
    private readonly OpenedFile _file;
    private readonly Qcow2Layer _layer;

    private Qcow2Image(OpenedFile file, Qcow2Layer layer, ImageInfo info)
    {
        _file = file;
        _layer = layer;
        Info = info;
    }

    /// <summary>Opens an image and its chain. Waits for disks.</summary>
    /// <exception cref="Qcow2FormatException">The image or a layer below is malformed or needs what is not supported.</exception>
    /// <exception cref="ImageFileException">A file is not there, not allowed or in use.</exception>
    /// <exception cref="BlockFileException">A file could not be read.</exception>
    public static Qcow2Image Open(ImageOpenOptions options)
    {
        var file = options.Files.Open(options.Path, options.Access == ImageAccess.ReadWrite ? ImageRole.ActiveReadWrite : ImageRole.ActiveReadOnly);
        try
        {
            var header = ImageHeader.ReadFrom(file.File);
            ImageSupport.RequireReadable(header);
            if (options.Access == ImageAccess.ReadWrite) ImageSupport.RequireWritable(header);
            var layer = Qcow2Layer.Open(file, header, options.Backings, ChainAbove.Active(file.Identity, Qcow2Layer.TableBytes(header)));
            return new Qcow2Image(file, layer, Describe(file, layer));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Virtual size in bytes, a multiple of 512.</summary>
    public long Length => _layer.Length;

    public bool IsReadOnly => Writer is null;

    public ClusterGeometry Geometry => _layer.Geometry;

    public ImageInfo Info { get; }

    /// <summary>The writer of an image opened for writing; null on a read-only one.</summary>
    public MetadataWriter? Writer { get; }

    /// <inheritdoc/>
    public bool TryRead(long offset, Span<byte> destination)
    {
        RequireInside(offset, destination.Length);
        return _layer.TryRead(offset, destination);
    }

    /// <inheritdoc/>
    public void Read(long offset, Span<byte> destination)
    {
        RequireInside(offset, destination.Length);
        _layer.Read(offset, destination);
    }

    /// <summary>
    /// Writes whole, at once, if every cluster touched is allocated to this image alone. False: a part may have been written; submit a
    /// <see cref="WriteRequest"/>.
    /// </summary>
    /// <exception cref="ImageFaultException">The file reported an error.</exception>
    public bool TryWrite(long offset, ReadOnlySpan<byte> source)
    {
        RequireInside(offset, source.Length);
        return false;
    }

    /// <summary>Closes the file and gives the backing images back. No call may be running; a writer is closed first.</summary>
    public void Dispose()
    {
        _layer.Dispose();
        _file.Dispose();
    }

    private void RequireInside(long offset, int length)
    {
        if (offset < 0 || offset > Length - length) throw new ArgumentOutOfRangeException(nameof(offset), offset, $"{length} bytes do not lie inside the virtual size {Length}");
    }

    private static ImageInfo Describe(OpenedFile file, Qcow2Layer layer)
    {
        var chain = new List<string>();
        for (var next = layer.Backing?.Layer; next is not null; next = next.Below) chain.Add(next.Path);
        var clearsBitmaps = ((AutoclearFeatures)layer.Header.Autoclear).HasFlag(AutoclearFeatures.Bitmaps);
        return new ImageInfo(file.Path, layer.Header.Version, layer.Length, layer.Geometry.ClusterBytes, chain, 0, clearsBitmaps);
    }
}

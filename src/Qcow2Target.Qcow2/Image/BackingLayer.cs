using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Image;

/// <summary>One open file below overlays, with the lease on what lies below it. Counted by <see cref="BackingImages"/>.</summary>
internal sealed class BackingLayer : IDisposable
{
    private readonly OpenedFile _file;
    private readonly Qcow2Layer? _image;

    private BackingLayer(OpenedFile file, IImageLayer layer, long tableBytes)
    {
        _file = file;
        _image = layer as Qcow2Layer;
        Layer = layer;
        TableBytes = tableBytes;
    }

    internal IImageLayer Layer { get; }

    internal string Path => _file.Path;

    internal FileIdentity Identity => _file.Identity;

    /// <summary>Bytes of its tables that are held in memory whole.</summary>
    internal long TableBytes { get; }

    /// <summary>The next layer down, or null.</summary>
    internal BackingLayer? Below => _image?.Backing?.Layer;

    internal static BackingLayer Raw(OpenedFile file) => new(file, new RawLayer(file.File), 0);

    /// <exception cref="Qcow2FormatException">The image, or one below it, is malformed or not supported.</exception>
    internal static BackingLayer Qcow2(OpenedFile file, BackingImages backings, ChainAbove above)
    {
        var header = ImageHeader.ReadFrom(file.File);
        ImageSupport.RequireReadable(header, above.DataFiles);
        var tableBytes = Qcow2Layer.TableBytes(header);
        var layer = Qcow2Layer.Open(file, header, backings, above.Add(file.Identity, tableBytes), ImageAccess.ReadOnly);
        return new BackingLayer(file, layer, tableBytes);
    }

    public void Dispose()
    {
        _image?.Dispose();
        _file.Dispose();
    }
}

using Qcow2Target.Qcow2.Check;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// An open qcow2 image with its backing chain. Reads, and writes into clusters that are there and not shared, go straight through it from
/// any thread; everything that changes metadata goes through <see cref="Writer"/>.
/// </summary>
public sealed class Qcow2Image : IImageLayer, IDisposable
{
    private readonly OpenedFile _file;
    private readonly Qcow2Layer _layer;
    private readonly WriteGate? _gate;
    private readonly StructureScan? _scan;

    private Qcow2Image(OpenedFile file, Qcow2Layer layer)
    {
        _file = file;
        _layer = layer;
        Info = Describe(leakedClusters: 0, layer.Pending);
    }

    private Qcow2Image(OpenedFile file, Qcow2Layer layer, StructureScan scan, PendingReport pending, RepairReport? repair, ImageOpenOptions options)
    {
        _file = file;
        _layer = layer;
        _gate = new WriteGate();
        _scan = scan;
        Writer = new MetadataWriter(layer, file, scan, _gate, options.Backings.Pending, options.Time);
        Info = Describe(scan.LeakedCount, pending) with { Repair = repair };
    }

    /// <summary>
    /// Opens an image and its chain; for writing, repairs it if it is dirty, and reads all its metadata once, or what of it
    /// <see cref="ImageOpenOptions.ScanTime"/> allows. Waits for disks.
    /// </summary>
    /// <exception cref="Qcow2FormatException">The image or a layer below is malformed or needs what is not supported.</exception>
    /// <exception cref="ImageFileException">A file is not there, not allowed or in use.</exception>
    /// <exception cref="BlockFileException">A file could not be read.</exception>
    public static Qcow2Image Open(ImageOpenOptions options)
    {
        var writes = options.Access == ImageAccess.ReadWrite;
        var file = options.Files.Open(options.Path, writes ? ImageRole.ActiveReadWrite : ImageRole.ActiveReadOnly);
        Qcow2Layer? layer = null;
        try
        {
            var header = ImageHeader.ReadFrom(file.File);
            ImageSupport.RequireReadable(header, options.DataFiles);
            if (writes) ImageSupport.RequireWritable(header);
            var pending = PendingReport.Nothing;
            if (writes)
            {
                pending = PendingRecovery.BringHome(file, header, options.Backings.Pending, options.Pending);
                header = ImageHeader.ReadFrom(file.File);
            }
            RepairReport? repair = null;
            if (writes && header.Incompatible.HasFlag(IncompatibleFeatures.Dirty))
            {
                repair = ImageRepair.RunAtOpen(file.File, header);
                header = ImageHeader.ReadFrom(file.File);
            }
            var chain = ChainAbove.Active(file.Identity, Qcow2Layer.TableBytes(header), options.DataFiles);
            layer = Qcow2Layer.Open(file, header, options.Backings, chain, options.Access);
            if (!writes) return new Qcow2Image(file, layer);
            var scan = new StructureScan(header, layer.Geometry, file.File);
            scan.Advance(options.ScanTime);
            return new Qcow2Image(file, layer, scan, pending, repair, options);
        }
        catch
        {
            layer?.Dispose();
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
        if (_gate is null) return _layer.TryRead(offset, destination);
        var inside = _gate.Epoch.Enter();
        try
        {
            return _layer.TryRead(offset, destination);
        }
        finally
        {
            _gate.Epoch.Exit(inside);
        }
    }

    /// <inheritdoc/>
    public void Read(long offset, Span<byte> destination)
    {
        RequireInside(offset, destination.Length);
        if (_gate is null)
        {
            _layer.Read(offset, destination);
            return;
        }
        var inside = _gate.Epoch.Enter();
        try
        {
            _layer.Read(offset, destination);
        }
        finally
        {
            _gate.Epoch.Exit(inside);
        }
    }

    /// <summary>
    /// Whether the bytes from <paramref name="offset"/> on hold space, in this image or below, and how far that goes on; waits for the
    /// file where it must. The work of one call is bounded: the state may go on behind the extent. Lengths are multiples of 512.
    /// </summary>
    /// <exception cref="ImageFaultException">A table could not be read.</exception>
    public ImageExtent Describe(long offset, long maxLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxLength);
        RequireInside(offset, maxLength);
        if (_gate is null) return _layer.Describe(offset, maxLength);
        var inside = _gate.Epoch.Enter();
        try
        {
            return _layer.Describe(offset, maxLength);
        }
        finally
        {
            _gate.Epoch.Exit(inside);
        }
    }

    /// <summary>
    /// Writes whole, at once, if every cluster touched is allocated to this image alone. False: a part may have been written; submit a
    /// <see cref="WriteRequest"/>. No allocation.
    /// </summary>
    /// <exception cref="ImageFaultException">The file reported an error; a part may have been written.</exception>
    public bool TryWrite(long offset, ReadOnlySpan<byte> source)
    {
        RequireInside(offset, source.Length);
        if (_gate is null || !_gate.IsOpen) return false;
        var inside = _gate.Epoch.Enter();
        try
        {
            // Asked again now that the writer would wait for us.
            return _gate.IsOpen && _layer.TryWriteInPlace(offset, source);
        }
        finally
        {
            _gate.Epoch.Exit(inside);
        }
    }

    /// <summary>Ends a scan that goes on behind the opening, where there is one: for who waits until no job runs and wants nothing more. Any thread.</summary>
    public void StopScan() => _scan?.Cancel();

    /// <summary>Closes the file and gives the backing images back. No call may be running; a writer is closed first.</summary>
    public void Dispose()
    {
        Writer?.Dispose();
        _layer.Dispose();
        _file.Dispose();
    }

    private void RequireInside(long offset, long length)
    {
        if (offset < 0 || offset > Length - length) throw new ArgumentOutOfRangeException(nameof(offset), offset, $"{length} bytes do not lie inside the virtual size {Length}");
    }

    private ImageInfo Describe(long leakedClusters, PendingReport pending)
    {
        var chain = new List<string>();
        for (var next = _layer.Backing?.Layer; next is not null; next = next.Below) chain.Add(next.Path);
        var clearsBitmaps = _gate is not null && ((AutoclearFeatures)_layer.Header.Autoclear).HasFlag(AutoclearFeatures.Bitmaps);
        return new ImageInfo(_file.Path, _layer.Header.Version, Length, Geometry.ClusterBytes, chain, leakedClusters, clearsBitmaps)
        {
            DataFile = _layer.DataFile?.Path,
            Pending = pending,
        };
    }
}

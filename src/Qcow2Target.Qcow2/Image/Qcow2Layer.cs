using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// The readable part of one qcow2 file: its map, its cache, and the lease on the layer below. A backing image is this alone; an attached
/// one has an epoch and perhaps a writer around it (<see cref="Qcow2Image"/>). Does not own its file.
/// </summary>
internal sealed class Qcow2Layer : IImageLayer, IDisposable
{
    private readonly ClusterReader _reader;
    private readonly DecodedClusters _decoded;
    private long _length;

    private Qcow2Layer(IBlockFile file, ImageHeader header, ClusterGeometry geometry, MappingRules rules, ClusterMap map, ExternalDataFile? dataFile, BackingLease? backing, CacheBudget cache)
    {
        DataFile = dataFile;
        Data = dataFile?.File ?? file;
        _length = geometry.VirtualSize;
        Header = header;
        Geometry = geometry;
        Rules = rules;
        Map = map;
        Backing = backing;
        _decoded = new DecodedClusters(cache, geometry.ClusterBytes);
        _reader = new ClusterReader(geometry, Data, map, new Decompressor(geometry, file, (CompressionType)header.CompressionType, _decoded), backing?.Layer.Layer);
    }

    /// <summary>The header as it was at open: size, places and feature words may have changed since.</summary>
    internal ImageHeader Header { get; }

    internal ClusterGeometry Geometry { get; }

    internal MappingRules Rules { get; }

    internal ClusterMap Map { get; }

    internal BackingLease? Backing { get; }

    /// <summary>What was done about writes that are in a pending log.</summary>
    internal PendingReport Pending { get; private init; }
    /// <summary>Null: the image holds its data itself.</summary>
    internal ExternalDataFile? DataFile { get; }

    /// <summary>The file that normal entries point into.</summary>
    internal IBlockFile Data { get; }

    /// <summary>Bytes of the virtual disk now: every byte below it can be looked up.</summary>
    public long Length => Volatile.Read(ref _length);

    /// <summary>The writer's: the disk is larger from now on, in the map and in the file.</summary>
    internal void Grow(long length) => Volatile.Write(ref _length, length);

    /// <summary>Opens what the header names. The header is one that this program supports.</summary>
    /// <param name="chain">The chain down to and with this file.</param>
    /// <param name="access">What may be done to this file; those below are only read.</param>
    internal static Qcow2Layer Open(OpenedFile file, ImageHeader header, BackingImages backings, ChainAbove chain, ImageAccess access)
    {
        var geometry = ClusterGeometry.Of(header);
        var pending = PendingRecovery.LayOver(file, header, backings.Pending, out var report);
        var rules = new MappingRules(header, geometry, file.File);
        var map = ClusterMap.ReadFrom(file.File, header, geometry, rules, backings.Cache, pending);
        ExternalDataFile? dataFile = null;
        try
        {
            dataFile = ExternalDataFile.Open(file, header, backings.Files, access);
            var backing = header.BackingName is { } name ? backings.Open(file.Path, name, header.BackingFormat, chain) : null;
            return new Qcow2Layer(file.File, header, geometry, rules, map, dataFile, backing, backings.Cache) { Pending = report };
        }
        catch
        {
            dataFile?.Dispose();
            map.Dispose();
            throw;
        }
    }

    /// <summary>Bytes of the tables of this file that are held in memory whole.</summary>
    internal static long TableBytes(ImageHeader header) => (long)header.L1Size * sizeof(ulong);

    public bool TryRead(long offset, Span<byte> destination)
    {
        try
        {
            return _reader.TryRead(offset, destination);
        }
        catch (BlockFileException exception)
        {
            throw new ImageFaultException(Faults.From(exception, ImageFaultKind.ReadError));
        }
    }

    public void Read(long offset, Span<byte> destination)
    {
        try
        {
            _reader.Read(offset, destination);
        }
        catch (BlockFileException exception)
        {
            throw new ImageFaultException(Faults.From(exception, ImageFaultKind.ReadError));
        }
    }

    /// <summary>The extent at an offset, this layer and those below seen as one (<see cref="ExtentQuery"/>).</summary>
    /// <exception cref="ImageFaultException">A table could not be read.</exception>
    internal ImageExtent Describe(long offset, long maxLength)
    {
        try
        {
            return ExtentQuery.Run(this, offset, maxLength);
        }
        catch (BlockFileException exception)
        {
            throw new ImageFaultException(Faults.From(exception, ImageFaultKind.ReadError));
        }
    }

    /// <summary>Writes whole if every cluster touched is allocated to this image alone. False: a part may have been written. No allocation.</summary>
    /// <exception cref="ImageFaultException">The file reported an error.</exception>
    internal bool TryWriteInPlace(long offset, ReadOnlySpan<byte> source)
    {
        // A raw data file must not get bytes that come after zeros in it but before the entry that tells of the zeros: all go through the writer.
        if (DataFile?.IsRaw == true || !CanWriteInPlace(offset, source.Length)) return false;
        try
        {
            while (!source.IsEmpty)
            {
                // Nobody takes the clusters away while we are counted in, but what they are can have changed since they were looked at.
                if (Map.Find(Geometry.L1Index(offset), out var table) != TableState.Cached) return false;
                var run = ClusterRun.At(table, Geometry, offset, source.Length);
                if (run.Kind != L2EntryKind.Normal) return false;
                Data.Write(run.Host, source[..run.Length]);
                offset += run.Length;
                source = source[run.Length..];
            }
            return true;
        }
        catch (BlockFileException exception)
        {
            throw new ImageFaultException(Faults.From(exception, ImageFaultKind.WriteError));
        }
    }

    private bool CanWriteInPlace(long offset, int length)
    {
        for (var end = offset + length; offset < end;)
        {
            if (Map.Find(Geometry.L1Index(offset), out var table) != TableState.Cached || table!.Ownership != TableOwnership.Owned) return false;
            var inCluster = (int)Math.Min(end - offset, Geometry.ClusterBytes - Geometry.OffsetInCluster(offset));
            if (!table[Geometry.L2Index(offset)].IsWritableInPlace(Geometry.Subclusters(offset, inCluster))) return false;
            offset += inCluster;
        }
        return true;
    }

    public void Dispose()
    {
        Map.Dispose();
        _decoded.Dispose();
        DataFile?.Dispose();
        Backing?.Dispose();
    }
}

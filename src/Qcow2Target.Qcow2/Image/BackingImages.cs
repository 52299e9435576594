using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// The open backing images of the daemon: one for each file, shared by all overlays, opened with the first lease and closed with the
/// last. Safe to call from several threads. No lock is held while a file is opened, so a dead mount holds up nobody else.
/// </summary>
public sealed class BackingImages(IImageFiles files, CacheBudget cache, PendingLogs? pending = null)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<Key, Entry> _open = [];

    /// <summary>Backing files open now.</summary>
    public int Count
    {
        get { lock (_lock) return _open.Count; }
    }

    internal CacheBudget Cache { get; } = cache;

    /// <summary>The logs of writes that are completed and not in their images; null: images are written and read without.</summary>
    internal PendingLogs? Pending { get; } = pending;
    internal IImageFiles Files { get; } = files;

    /// <summary>Opens the backing file that an overlay names, with all below it, or shares it.</summary>
    /// <param name="format">The format that the overlay declares, or null.</param>
    /// <exception cref="Qcow2FormatException">It, or one below, is malformed, not supported, in a loop or beyond a limit.</exception>
    /// <exception cref="ImageFileException">It is not there, not allowed or in use.</exception>
    internal BackingLease Open(string overlayPath, string name, string? format, ChainAbove above)
    {
        var file = Files.Open(Files.ResolveBacking(overlayPath, name), ImageRole.Backing);
        BackingLayer opened;
        try
        {
            above.RequireNew(file.Identity, file.Path);
            var key = new Key(file.Identity, DecideFormat(file, name, format));
            if (TryShare(key, above) is { } shared)
            {
                file.Dispose();
                return shared;
            }
            opened = key.Format == BackingFormat.Raw ? BackingLayer.Raw(file) : BackingLayer.Qcow2(file, this, above);
        }
        catch
        {
            file.Dispose();
            throw;
        }
        return PublishOrShare(opened, above);
    }

    private static BackingFormat DecideFormat(OpenedFile file, string name, string? declared)
    {
        switch (declared)
        {
            case "raw": return BackingFormat.Raw;
            case "qcow2": return BackingFormat.Qcow2;
            case not null: throw new Qcow2FormatException(Qcow2FormatError.BackingFormat, 0, $"backing file '{file.Path}' has the unknown format '{declared}'");
        }
        // A guest that owned a raw base could have written a header there that names any file: such a name still has to pass the roots.
        Span<byte> start = stackalloc byte[sizeof(uint)];
        file.File.Read(0, start);
        if (ImageHeader.HasMagic(start)) return BackingFormat.Qcow2;
        throw new Qcow2FormatException(
            Qcow2FormatError.BackingFormat, 0, $"backing file '{file.Path}' has no declared format and is not qcow2; if it is raw: qemu-img rebase -u -F raw -b {name} IMAGE");
    }

    private BackingLease? TryShare(Key key, ChainAbove above)
    {
        BackingLayer layer;
        lock (_lock)
        {
            if (!_open.TryGetValue(key, out var entry)) return null;
            entry.Leases++;
            layer = entry.Layer;
        }
        var lease = new BackingLease(layer, () => Release(key));
        try
        {
            RequireFits(layer, above);
            return lease;
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    private BackingLease PublishOrShare(BackingLayer opened, ChainAbove above)
    {
        var key = new Key(opened.Identity, opened.Layer is RawLayer ? BackingFormat.Raw : BackingFormat.Qcow2);
        while (true)
        {
            lock (_lock)
            {
                if (_open.TryAdd(key, new Entry(opened) { Leases = 1 })) return new BackingLease(opened, () => Release(key));
            }
            // Somebody else opened the same file meanwhile: theirs is shared, unless they have already let it go again.
            BackingLease? shared;
            try
            {
                shared = TryShare(key, above);
            }
            catch
            {
                opened.Dispose();
                throw;
            }
            if (shared is null) continue;
            opened.Dispose();
            return shared;
        }
    }

    // A chain that is shared was within the limits below somebody else; below this overlay it counts anew.
    private static void RequireFits(BackingLayer layer, ChainAbove above)
    {
        for (var next = layer; next is not null; next = next.Below)
        {
            above.RequireNew(next.Identity, next.Path);
            above = above.Add(next.Identity, next.TableBytes);
        }
    }

    private void Release(Key key)
    {
        BackingLayer layer;
        lock (_lock)
        {
            var entry = _open[key];
            if (--entry.Leases > 0) return;
            _open.Remove(key);
            layer = entry.Layer;
        }
        layer.Dispose();
    }

    private enum BackingFormat
    {
        Raw,
        Qcow2,
    }

    private readonly record struct Key(FileIdentity Identity, BackingFormat Format);

    private sealed class Entry(BackingLayer layer)
    {
        internal BackingLayer Layer { get; } = layer;

        internal int Leases { get; set; }
    }
}

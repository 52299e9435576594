using Qcow2Target.Actors.Targets;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Actors.Disks;

/// <summary>
/// Opens images for disks, and knows who holds which file, so that the error for a file in use can name its holder. That nobody gets a
/// file twice is seen to by the locks on the file itself.
/// </summary>
public sealed class ImageRegistryActor : ReceiveActor
{
    private readonly IImageFiles _files;
    private readonly BackingImages _backings;
    private readonly CacheBudget _cache;
    private readonly DataFileUse _dataFiles;
    private readonly BlockingThreads _threads;
    private readonly string _relativeBase;
    private readonly Dictionary<string, string> _holders = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<string>> _bases = new(StringComparer.Ordinal);

    public ImageRegistryActor(IImageFiles files, string relativeBase, CacheBudget cache, DataFileUse dataFiles, PendingLogs pending, BlockingThreads threads)
    {
        _relativeBase = Path.GetFullPath(relativeBase);
        _files = files;
        _cache = cache;
        _dataFiles = dataFiles;
        _backings = new BackingImages(files, cache, pending);
        _threads = threads;
        Receive<OpenImage>(Open);
        Receive<Opened>(Hold);
        Receive<NotOpened>(Explain);
        Receive<ImageReleased>(Release);
    }

    /// <param name="files">Where files come from.</param>
    /// <param name="relativeBase">The directory that relative paths belong to: the first disks root.</param>
    /// <param name="cache">What the cached tables of all images may hold together.</param>
    /// <param name="dataFiles">Whether images may have an external data file.</param>
    /// <param name="pending">Where what completed and is not committed survives a kill.</param>
    /// <param name="threads">Threads for blocking calls.</param>
    public static Props PropsFor(IImageFiles files, string relativeBase, CacheBudget cache, DataFileUse dataFiles, PendingLogs pending, BlockingThreads threads) =>
        Props.Create(() => new ImageRegistryActor(files, relativeBase, cache, dataFiles, pending, threads));

    private void Open(OpenImage command)
    {
        var client = Sender;
        var files = new IdentityRecorder(_files);
        var options = new ImageOpenOptions
        {
            Path = command.Path,
            Access = command.Access,
            Files = files,
            Backings = _backings,
            Cache = _cache,
            Pending = command.Pending,
            DataFiles = _dataFiles,
            ScanTime = ActorLimits.ScanBeforeServing,
        };
        var threads = _threads;
        threads.Run(() =>
        {
            var image = Qcow2Image.Open(options);
            var identity = files.Identity;
            command.Delivery.Deliver(new ImageLease(image, new ImageQueue(threads.ForDevice(identity.Device))));
            return new Opened(client, command, image.Info, new StoredFile(identity.Device, identity.Inode, identity.BirthTime));
        }).PipeTo(Self, Self, success: opened => opened, failure: e => new NotOpened(client, command, e));
    }

    private void Hold(Opened message)
    {
        _holders[message.Info.Path] = message.Command.Holder;
        if (message.Info.DataFile is { } dataFile)
            _holders[dataFile] = message.Command.Holder;
        foreach (var path in message.Info.Chain)
        {
            if (!_bases.TryGetValue(path, out var overlays))
                _bases[path] = overlays = new HashSet<string>(StringComparer.Ordinal);
            overlays.Add(message.Command.Holder);
        }
        message.Client.Tell(new ImageOpened(message.File));
    }

    private void Explain(NotOpened message)
    {
        message.Client.Tell(OpenFaults.Explain(message.Cause, message.Command.Path, HolderOf));
    }

    private string? HolderOf(string path)
    {
        var full = Path.GetFullPath(path, _relativeBase);   // the path is as the client wrote it; images are known by absolute ones
        if (_holders.TryGetValue(full, out var holder))
            return holder;
        return _bases.TryGetValue(full, out var overlays) ? "the base of " + string.Join(", ", overlays.Order(StringComparer.Ordinal)) : null;
    }

    private void Release(ImageReleased message)
    {
        foreach (var name in new[] { message.Path, message.DataFile })
        {
            if (name is not null && _holders.TryGetValue(name, out var holder) && holder == message.Holder)
                _holders.Remove(name);
        }
        foreach (var (path, overlays) in _bases.ToArray())
        {
            if (overlays.Remove(message.Holder) && overlays.Count == 0)
                _bases.Remove(path);
        }
    }

    /// <summary>Remembers which file the image itself is.</summary>
    private sealed class IdentityRecorder(IImageFiles files) : IImageFiles
    {
        public FileIdentity Identity { get; private set; }

        public OpenedFile Open(string path, ImageRole role)
        {
            var file = files.Open(path, role);
            if (role is ImageRole.ActiveReadOnly or ImageRole.ActiveReadWrite)
                Identity = file.Identity;
            return file;
        }

        public string ResolveBacking(string overlayPath, string backingName) => files.ResolveBacking(overlayPath, backingName);

        public string ResolveDataFile(string imagePath, string name, ImageRole role) => files.ResolveDataFile(imagePath, name, role);
    }

    private sealed record Opened(IActorRef Client, OpenImage Command, ImageInfo Info, StoredFile File);

    private sealed record NotOpened(IActorRef Client, OpenImage Command, Exception Cause);
}

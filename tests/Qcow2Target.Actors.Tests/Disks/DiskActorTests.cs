using Qcow2Target.Actors.Disks;
using Qcow2Target.Actors.Peers;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Iscsi.Buffers;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Pending;
using Qcow2Target.Scsi;
using Qcow2Target.Testing;

namespace Qcow2Target.Actors.Tests.Disks;

/// <summary>A disk on a real image whose file fails when told to.</summary>
public sealed class DiskActorTests : TestKit
{
    private const int DiskBytes = 1 << 20;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly TempDirectory _directory = TempDirectory.OnDisk();
    private readonly BlockingThreads _threads = new();
    private readonly FailingFiles _files;
    private readonly IActorRef _disk;
    private readonly DiskPort _port;

    public DiskActorTests()
    {
        QemuImg.Create(_directory["disk"], DiskBytes);
        _files = new FailingFiles(new RootedImageFiles([_directory.Path], []));
        var images = Sys.ActorOf(ImageRegistryActor.PropsFor(
            _files, _directory.Path, new CacheBudget(1 << 20), DataFileUse.Refused, new PendingLogs(Path.Combine(_directory.Path, "pending")), _threads));
        var services = new TargetServices(_threads, images, new BufferPool(), _ => { }, new TargetBoard(), new PeerLog(Log, TimeProvider.System));
        _port = new DiskPort(_directory["disk"], 4096, ZeroDetection.Off);
        _disk = Sys.ActorOf(DiskActor.PropsFor(new DiskPlace(0, "iqn.test"), _directory["disk"], ImageAccess.ReadWrite, FirstOpen.MustSucceed, _port, services));
        _disk.Tell(new OpenDisk(), TestActor);
        ExpectMsg<DiskOpened>(Limit);
    }

    protected override void AfterAll()
    {
        _disk.Tell(new CloseDisk(UnflushedData.Flush), TestActor);
        ExpectMsg<DiskClosed>(Limit);
        base.AfterAll();
        _directory.Dispose();
    }

    [Fact]
    public async Task A_failed_sync_is_counted_before_the_disk_takes_work_again()
    {
        await _port.WriteAsync(0, new byte[65536]);
        await _port.FlushAsync();
        await _port.WriteAsync(65536, new byte[65536]);
        Assert.Equal(0, _port.FailedSyncs);
        _files.Active!.FailNth(BlockOperation.Sync, 1, BlockFileError.Io);

        var failed = await Assert.ThrowsAsync<BlockDeviceException>(() => _port.FlushAsync().AsTask());

        Assert.Equal(BlockDeviceFault.WriteError, failed.Fault);
        await Eventually.That(FlushesAsync, Limit, "the disk works again");
        Assert.Equal(1, _port.FailedSyncs);
    }

    private async Task<bool> FlushesAsync()
    {
        try
        {
            await _port.FlushAsync();
            return true;
        }
        catch (BlockDeviceException)
        {
            return false;
        }
    }

    /// <summary>Each file anew behind one that can be made to fail.</summary>
    private sealed class FailingFiles(IImageFiles inner) : IImageFiles
    {
        public FaultyBlockFile? Active { get; private set; }

        public OpenedFile Open(string path, ImageRole role)
        {
            var file = inner.Open(path, role);
            Active = new FaultyBlockFile(file.File);
            return new OpenedFile(Active, file.Path, file.Identity);
        }

        public string ResolveBacking(string overlayPath, string backingName) => inner.ResolveBacking(overlayPath, backingName);
    }
}

using Qcow2Target.Qcow2.Image;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Image.Model;

/// <summary>
/// A random workload on one image over a <see cref="RecordingBlockFile"/>, held against a <see cref="StampModel"/> while it runs, and afterwards
/// against what a power cut at any point of it would have left.
/// </summary>
internal sealed class Exploration : IDisposable
{
    internal const string ImagePath = "/image";
    internal const string BasePath = "/base";

    private const int MaxInFlight = 12;

    private readonly RandomSource _random;
    private readonly Func<int, ulong>? _base;
    private readonly ManualTime _time = new();
    private readonly List<(int Sector, int Count)> _inFlight = [];
    private readonly int _clusterSectors;

    /// <param name="disk">The image's file at the start.</param>
    /// <param name="backing">The file of <see cref="BasePath"/>, if the image has one.</param>
    /// <param name="baseStamp">What the backing file holds in a sector; 0 for zeros.</param>
    /// <param name="initial">What the disk holds at the start in a sector; null: what the backing file holds.</param>
    internal Exploration(RandomSource random, MemoryBlockFile disk, IBlockFileSource? backing, Func<int, ulong>? baseStamp = null, Func<int, ulong>? initial = null)
    {
        _random = random;
        _base = baseStamp;
        Recording = new RecordingBlockFile(disk);
        File = new FaultyBlockFile(Recording);
        Files = new ModelFiles().Add(ImagePath, File);
        if (backing is not null) Files.Add(BasePath, backing());
        Image = Open(Files, ImageAccess.ReadWrite, _time);
        Model = new StampModel((int)(Image.Length / StampModel.SectorSize), initial ?? baseStamp);
        Driver = new ModelDriver(Image.Writer!, random, _time);
        _clusterSectors = Image.Geometry.ClusterBytes / StampModel.SectorSize;
    }

    internal delegate Qcow2.Io.IBlockFile IBlockFileSource();

    internal RecordingBlockFile Recording { get; }

    internal FaultyBlockFile File { get; }

    internal ModelFiles Files { get; }

    internal Qcow2Image Image { get; }

    internal StampModel Model { get; }

    internal ModelDriver Driver { get; }

    /// <summary>Set: a request that fails with one of these kinds is part of the test.</summary>
    internal HashSet<ImageFaultKind> ExpectedFaults { get; } = [];

    internal List<ImageFault> Faults { get; } = [];

    internal static Qcow2Image Open(ModelFiles files, ImageAccess access, TimeProvider? time = null)
    {
        var cache = new CacheBudget(1 << 20);
        var image = Qcow2Image.Open(new ImageOpenOptions
        {
            Path = ImagePath,
            Access = access,
            Files = files,
            Backings = new BackingImages(files, cache),
            Cache = cache,
            Time = time ?? new ManualTime(),
        });
        // The exploration wants to see every fault, and at once.
        if (image.Writer is { } writer) writer.SpacePatience = TimeSpan.Zero;
        return image;
    }

    internal static MemoryBlockFile Create(long size, int clusterBits, string? backingFormat = null)
    {
        var file = new MemoryBlockFile();
        ImageCreator.Create(file, new ImageCreateOptions
        {
            VirtualSize = size,
            ClusterBits = clusterBits,
            BackingName = backingFormat is null ? null : BasePath,
            BackingFormat = backingFormat,
        });
        return file;
    }

    /// <summary>The same made by qemu-img, with options as its <c>-o</c> takes them.</summary>
    internal static MemoryBlockFile CreateByQemu(long size, int clusterBits, string? backingFormat, string options)
    {
        using var directory = new TempDirectory();
        string[] backing = backingFormat is null ? [] : ["-u", "-b", BasePath, "-F", backingFormat];
        QemuImg.Run(["create", "-q", "-f", "qcow2", "-o", $"cluster_size={1 << clusterBits},{options}", .. backing, directory["t"], $"{size}"]).EnsureSuccess();
        return MemoryBlockFile.LoadFrom(directory["t"]);
    }

    /// <summary>The stamp that a base made for these tests holds.</summary>
    internal static ulong BaseStamp(int sector) => StampModel.Stamp(sector, 0x7fffffff);

    internal static MemoryBlockFile RawBase(int sectors)
    {
        var file = new MemoryBlockFile();
        var content = new byte[StampModel.SectorSize];
        for (var sector = 0; sector < sectors; sector++)
        {
            StampModel.Fill(content, BaseStamp(sector));
            file.Write((long)sector * StampModel.SectorSize, content);
        }
        return file;
    }

    /// <summary>Runs random operations, some of them side by side.</summary>
    internal void Run(int operations)
    {
        for (var operation = 0; operation < operations; operation++)
        {
            for (var steps = _random.Next(12); steps > 0; steps--) Driver.Step();
            while (_inFlight.Count >= MaxInFlight) Driver.RunUntil(() => _inFlight.Count < MaxInFlight, "room for another request");
            if (!_random.Once(40) || _inFlight.Count > 0) One();
            else Driver.RunUntilQuiet();
        }
    }

    internal void Quiesce() => Driver.RunUntil(() => _inFlight.Count == 0, "all requests completed");

    /// <summary>Flushes, and tells the model so when it succeeds.</summary>
    internal ModelOutcome Flush()
    {
        var covered = Model.BeginFlush();
        var outcome = Driver.Flush();
        outcome.Then = fault =>
        {
            if (fault is null) covered(Recording.Position);
            else Note(fault);
        };
        return outcome;
    }

    /// <summary>Writes sectors: at once if that is possible, else through the writer. Null: it was done at once.</summary>
    internal ModelOutcome? Write(int sector, int count)
    {
        var (data, succeeded) = Model.BeginWrite(sector, count, Recording.Position);
        var offset = (long)sector * StampModel.SectorSize;
        if (Image.TryWrite(offset, data))
        {
            succeeded();
            return null;
        }
        var outcome = Driver.Write(offset, data);
        Follow(outcome, sector, count, succeeded);
        return outcome;
    }

    internal ModelOutcome Zero(int sector, int count, ZeroSpace space)
    {
        var succeeded = Model.BeginZero(sector, count, Recording.Position);
        var outcome = Driver.Zero((long)sector * StampModel.SectorSize, (long)count * StampModel.SectorSize, space);
        Follow(outcome, sector, count, succeeded);
        return outcome;
    }

    internal void CheckReads(int sector, int count)
    {
        var data = new byte[count * StampModel.SectorSize];
        var offset = (long)sector * StampModel.SectorSize;
        if (!Image.TryRead(offset, data)) Image.Read(offset, data);
        for (var index = 0; index < count; index++)
        {
            var wrong = Model.JudgeNow(sector + index, data.AsSpan(index * StampModel.SectorSize, StampModel.SectorSize));
            Assert.True(wrong is null, $"read at log position {Recording.Position}: {wrong}");
        }
    }

    internal void CheckAll()
    {
        for (var sector = 0; sector < Model.SectorCount; sector += 64) CheckReads(sector, Math.Min(64, Model.SectorCount - sector));
    }

    /// <summary>Closes in order; then the file must be without an error or a leak.</summary>
    internal void CloseClean()
    {
        Quiesce();
        Driver.Close(CloseMode.Commit);
        Assert.Null(Driver.Writer.Fault);
        Image.Dispose();
        Assert.Equal(0, Files.OpenCount);
        var fsck = CheckDisk(Recording.AfterPowerCut(Recording.Position, (_, _) => false), int.MaxValue, () => "after a clean close");
        Assert.Equal(0, fsck.Leaks);
    }

    /// <summary>Cuts the power at random points and judges what is left. Positions near syncs are preferred: the rules are about them.</summary>
    internal void CutPower(int cuts, Action<MemoryBlockFile, int>? then = null)
    {
        var log = Recording.Log;
        for (var cut = 0; cut < cuts; cut++)
        {
            var position = _random.Next(log.Count + 1);
            if (_random.Once(2)) while (position > 0 && position < log.Count && log[position].Operation != BlockOperation.Sync) position++;
            var fate = _random.Next(6);
            var lonely = position == 0 ? 0 : _random.Next(Math.Max(0, position - 30), position);
            Func<int, int, bool> survives = fate switch
            {
                0 => (_, _) => true,
                1 => (_, _) => false,
                2 => (index, _) => index == lonely,
                3 => (index, _) => index != lonely,
                _ => RecordingBlockFile.RandomFate(_random),
            };
            var disk = Recording.AfterPowerCut(position, survives);
            CheckDisk(disk, position, () => $"power cut at {position} of {log.Count}, fate {fate}, lonely {lonely}; around it:\n"
                + string.Join('\n', Enumerable.Range(Math.Max(0, position - 12), Math.Min(log.Count, position + 3) - Math.Max(0, position - 12))
                    .Select(index => $"{index}: {log[index]}{(log[index].DurableAt < position ? "" : " (not durable)")}")));
            then?.Invoke(disk, position);
        }
    }

    internal Fsck CheckDisk(MemoryBlockFile disk, int position, Func<string> when)
    {
        var fsck = new Fsck(disk);
        fsck.AssertNoErrors(when);
        var content = new byte[StampModel.SectorSize];
        for (var sector = 0; sector < Model.SectorCount; sector++)
        {
            if (fsck.ReadSector((long)sector * StampModel.SectorSize) is { } own) content = own;
            else StampModel.Fill(content, _base?.Invoke(sector) ?? 0);
            if (Model.Judge(sector, content, position) is { } wrong) Assert.Fail($"{when()}:\n{wrong}");
        }
        return fsck;
    }

    /// <summary>What a cut disk holds in each sector, to go on from there.</summary>
    internal Func<int, ulong> StampsOf(MemoryBlockFile disk)
    {
        var fsck = new Fsck(disk);
        var stamps = new ulong[Model.SectorCount];
        for (var sector = 0; sector < stamps.Length; sector++)
            stamps[sector] = fsck.ReadSector((long)sector * StampModel.SectorSize) is { } own ? BitConverter.ToUInt64(own) : _base?.Invoke(sector) ?? 0;
        return sector => stamps[sector];
    }

    public void Dispose()
    {
        // A test that failed leaves the image as it is; there is nothing behind it but memory.
    }

    private void One()
    {
        var count = 1 + (_random.Once(2) ? _random.Next(_clusterSectors) : _random.Next(3 * _clusterSectors));
        var sector = _random.Next(Model.SectorCount);
        if (_random.Once(2)) sector -= sector % _clusterSectors;
        if (_random.Once(3)) count = Math.Max(_clusterSectors, count - count % _clusterSectors);
        count = Math.Min(count, Model.SectorCount - sector);
        switch (_random.Next(12))
        {
            case 0:
                Flush();
                return;
            case 1 or 2:
                CheckReads(sector, count);
                return;
        }
        if (_inFlight.Exists(range => range.Sector < sector + count && sector < range.Sector + range.Count)) return;
        if (_random.Once(4)) Zero(sector, count, _random.Pick(ZeroSpace.Keep, ZeroSpace.Free, ZeroSpace.Free));
        else Write(sector, count);
    }

    private void Follow(ModelOutcome outcome, int sector, int count, Action succeeded)
    {
        _inFlight.Add((sector, count));
        outcome.Then = fault =>
        {
            _inFlight.Remove((sector, count));
            if (fault is null) succeeded();
            else Note(fault);
        };
    }

    private void Note(ImageFault fault)
    {
        Faults.Add(fault);
        Assert.True(ExpectedFaults.Contains(fault.Kind), $"request failed: {fault}");
    }
}

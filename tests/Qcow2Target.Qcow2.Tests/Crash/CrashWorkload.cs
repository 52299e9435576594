using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Pending;
using Qcow2Target.Qcow2.Tests.Image.Model;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Crash;

/// <summary>Random requests on one image, many under way at once, recorded, with the history of what was acknowledged when.</summary>
internal sealed class CrashWorkload
{
    private const int MaxInFlight = 10;

    private readonly Random _random;
    private readonly List<(int Sector, int Count)> _inFlight = [];
    private readonly Qcow2Image _image;
    private readonly ModelDriver _driver;
    private readonly int _clusterSectors;
    private readonly int _zone;
    private int _sectors;

    internal CrashWorkload(CrashImage start, StateFolder folder, Func<int, ulong> initial, BootId boot, Random random)
    {
        _random = random;
        Start = start;
        Recorder = new CrashRecorder(start.Disk, folder);
        History = new DiskHistory(start.MaxSectors, initial);
        LogBytes = (random.Next(3) switch { 0 => 12, 1 => 16, _ => 64 }) << 10;
        if (random.Next(12) == 0) Recorder.Folder.WritesUntilFailure = random.Next(40);
        Recorder.Folder.RefusesToCreate = random.Next(16) == 0;
        var time = new ManualTime();
        _image = new CrashFiles(Recorder.Image, start.Bases).OpenImage(new PendingLogs(Recorder.Folder, boot) { LogBytes = LogBytes }, time: time);
        _image.Writer!.RefillClusters = random.Next(3) switch { 0 => 4, 1 => 32, _ => 256 };
        _driver = new ModelDriver(_image.Writer!, random, time);
        _clusterSectors = _image.Geometry.ClusterBytes / DiskHistory.SectorBytes;
        _sectors = (int)(_image.Length / DiskHistory.SectorBytes);
        // Only a part of a large disk is worked on, so that requests meet.
        _zone = Math.Min(_sectors, 400);
    }

    internal CrashImage Start { get; }

    internal CrashRecorder Recorder { get; }

    internal DiskHistory History { get; }

    internal long LogBytes { get; }

    /// <summary>Sizes of the disk in sectors, each from a position on that it was asked for, and whether it was acknowledged.</summary>
    internal List<(int Position, int Sectors, bool IsAcknowledged)> Sizes { get; } = [];

    /// <summary>The image was closed in good order.</summary>
    internal bool IsClosed { get; private set; }

    internal void Run(int operations)
    {
        Sizes.Add((0, _sectors, true));
        for (var operation = 0; operation < operations; operation++)
        {
            for (var steps = _random.Next(10); steps > 0; steps--) _driver.Step();
            if (_inFlight.Count >= MaxInFlight) _driver.RunUntil(() => _inFlight.Count < MaxInFlight, "room for another request");
            One();
        }
        _driver.RunUntil(() => _inFlight.Count == 0, "all requests completed");
        for (var sector = 0; sector < _sectors; sector += 64) Read(sector, Math.Min(64, _sectors - sector));
        if (_random.Next(3) == 0) return;
        _driver.Close(CloseMode.Commit);
        Assert.Null(_image.Writer!.Fault);
        IsClosed = true;
    }

    private void One()
    {
        var count = 1 + (_random.Next(2) == 0 ? _random.Next(_clusterSectors) : _random.Next(3 * _clusterSectors));
        // Mostly at the end, where a large disk is still empty.
        var sector = _random.Next(_zone) + (_random.Next(4) == 0 ? 0 : _sectors - _zone);
        if (_random.Next(2) == 0) sector -= sector % _clusterSectors;
        if (_random.Next(3) == 0) count = Math.Max(_clusterSectors, count - (count % _clusterSectors));
        count = Math.Min(count, _sectors - sector);
        switch (_random.Next(24))
        {
            case 0 or 1:
                var covered = History.BeginFlush();
                _driver.Flush().Then = fault =>
                {
                    Assert.Null(fault);
                    covered(Recorder.Position);
                };
                return;
            case 2 or 3:
                Read(sector, count);
                return;
            case 4 when _sectors < Start.MaxSectors && _inFlight.Count < MaxInFlight:
                Grow();
                return;
        }
        if (_inFlight.Exists(range => range.Sector < sector + count && sector < range.Sector + range.Count)) return;
        if (_random.Next(4) == 0)
        {
            var zeroed = History.BeginZero(sector, count);
            var space = _random.Next(3) == 0 ? ZeroSpace.Keep : ZeroSpace.Free;
            Follow(_driver.Zero((long)sector * DiskHistory.SectorBytes, (long)count * DiskHistory.SectorBytes, space), sector, count, zeroed);
            return;
        }
        var (data, written) = History.BeginWrite(sector, count);
        if (_image.TryWrite((long)sector * DiskHistory.SectorBytes, data)) written(Recorder.Position);
        else Follow(_driver.Write((long)sector * DiskHistory.SectorBytes, data), sector, count, written);
    }

    private void Grow()
    {
        var sectors = Math.Min(Start.MaxSectors, _sectors + _random.Next(1, 300));
        Sizes.Add((Recorder.Position, sectors, false));
        var outcome = _driver.Resize((long)sectors * DiskHistory.SectorBytes);
        _inFlight.Add((-1, 0));
        outcome.Then = fault =>
        {
            Assert.Null(fault);
            _inFlight.Remove((-1, 0));
            Sizes.Add((Recorder.Position, sectors, true));
            _sectors = sectors;
        };
        _driver.RunUntil(() => outcome.IsDone, "grown");
    }

    private void Read(int sector, int count)
    {
        var data = new byte[count * DiskHistory.SectorBytes];
        _image.Read((long)sector * DiskHistory.SectorBytes, data);
        for (var index = 0; index < count; index++)
            if (History.JudgeNow(sector + index, data.AsSpan(index * DiskHistory.SectorBytes, DiskHistory.SectorBytes)) is { } wrong)
                throw new CrashFinding($"a read at position {Recorder.Position}: {wrong}");
    }

    private void Follow(ModelOutcome outcome, int sector, int count, Action<int> done)
    {
        _inFlight.Add((sector, count));
        outcome.Then = fault =>
        {
            Assert.Null(fault);
            _inFlight.Remove((sector, count));
            done(Recorder.Position);
        };
    }
}

/// <summary>A promise that the engine broke.</summary>
internal sealed class CrashFinding(string message, Exception? inner = null) : Exception(message, inner);

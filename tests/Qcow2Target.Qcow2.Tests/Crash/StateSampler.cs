using System.Collections.Concurrent;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Crash;

/// <summary>Puts a sample of the states before <c>qemu-img check</c>, on files in memory, beside the exploration.</summary>
internal sealed class StateSampler : IDisposable
{
    private const int Workers = 2;
    private const int MaxWaiting = 32;
    private const string MemoryFolder = "/dev/shm";

    private readonly Random _random;
    private readonly int _oneIn;
    private readonly string _folder;
    private readonly BlockingCollection<(PagedDisk Disk, IReadOnlyDictionary<string, MemoryBlockFile> Bases, string Where)> _waiting = new(MaxWaiting);
    private readonly ConcurrentQueue<string> _findings = new();
    private readonly Thread[] _threads;
    private int _samples;

    /// <param name="oneIn">One state in so many; 0: none.</param>
    internal StateSampler(Random random, int oneIn)
    {
        (_random, _oneIn) = (random, oneIn);
        _folder = Directory.CreateTempSubdirectory("explore").FullName;
        if (Directory.Exists(MemoryFolder)) _folder = Directory.CreateDirectory(Path.Combine(MemoryFolder, Path.GetFileName(_folder))).FullName;
        _threads = [.. Enumerable.Range(0, oneIn == 0 ? 0 : Workers).Select(number => new Thread(() => Work(number)))];
        foreach (var thread in _threads) thread.Start();
    }

    /// <summary>States that were put before qemu-img.</summary>
    internal int Samples => Volatile.Read(ref _samples);

    internal IReadOnlyCollection<string> Findings => _findings;

    internal void Offer(PagedDisk disk, IReadOnlyDictionary<string, MemoryBlockFile> bases, Func<string> where)
    {
        if (_oneIn == 0 || _random.Next(_oneIn) != 0) return;
        _waiting.Add((disk.Fork(), bases, where()));
    }

    /// <summary>Waits for what was offered.</summary>
    internal void Finish()
    {
        _waiting.CompleteAdding();
        foreach (var thread in _threads) thread.Join();
    }

    public void Dispose()
    {
        if (!_waiting.IsAddingCompleted) Finish();
        Directory.Delete(_folder, recursive: true);
        _waiting.Dispose();
    }

    private void Work(int number)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, $"{number}")).FullName;
        var path = Path.Combine(folder, "t");
        foreach (var (disk, bases, where) in _waiting.GetConsumingEnumerable())
        {
            try
            {
                foreach (var (name, file) in bases) file.SaveTo(Path.Combine(folder, name));
                disk.SaveTo(path);
                var verdict = QemuImg.Check(path, out var words);
                if (verdict is not (CheckVerdict.Clean or CheckVerdict.LeaksOnly)) _findings.Enqueue($"{where}: qemu-img says {words}");
            }
            catch (Exception exception) when (exception is IOException or InvalidOperationException)
            {
                _findings.Enqueue($"{where}: qemu-img could not check: {exception.Message}");
            }
            Interlocked.Increment(ref _samples);
        }
    }
}

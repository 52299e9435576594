using System.Diagnostics;
using System.Security.Cryptography;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests.Fuzzing;

/// <summary>Conversations of ascending seeds by several workers, each with a target of its own, until there are enough of them.</summary>
internal sealed class FuzzRun(DaemonProcess daemon, FuzzOrders orders, Action<string> print)
{
    private static readonly TimeSpan ReportEvery = TimeSpan.FromSeconds(30);
    private readonly Stopwatch _time = Stopwatch.StartNew();
    private long _next = orders.Seed;
    private long _sent, _received, _conversations, _connections, _mostMemory, _lastReport;
    private volatile Exception? _finding;

    public async Task RunAsync()
    {
        print($"seeds from {orders.Seed} on");
        await FuzzTarget.AddSharedAsync(daemon);
        List<FuzzTarget> targets = [];
        for (int i = 0; i < orders.Workers; i++) targets.Add(await FuzzTarget.AddAsync(daemon, i));
        List<string> untouched = [daemon.Disk("closed.qcow2"), .. targets.SelectMany(target => new[] { target.Path(1), target.KnownPath })];
        string[] before = [.. untouched.Select(Hash)];
        (int descriptors, int threads) = (daemon.OpenFiles().Count, FuzzJudge.Threads(daemon));

        await Task.WhenAll(targets.Select(target => Task.Factory.StartNew(() => Work(target), TaskCreationOptions.LongRunning)));
        Report();
        if (_finding is { } finding) throw finding;

        await Eventually.That(() => daemon.OpenFiles().Count <= descriptors + 8, TimeSpan.FromSeconds(30), $"the daemon has about the {descriptors} descriptors that it had, not {daemon.OpenFiles().Count}");
        await Eventually.That(() => FuzzJudge.Threads(daemon) <= threads + 48, TimeSpan.FromSeconds(60), $"the daemon has about the {threads} threads that it had, not {FuzzJudge.Threads(daemon)}");
        CheckLog();
        await daemon.StopAsync();
        CheckLog();
        Assert.Equal(before, untouched.Select(Hash));
        foreach (string disk in targets.SelectMany(target => new[] { target.Path(0), target.Path(2), target.Path(3) }))
            Assert.True(QemuImg.Check(disk, out string words) == CheckVerdict.Clean, words);
        print("every image is clean");
    }

    private void Work(FuzzTarget target)
    {
        while (_finding is null && GoesOn())
        {
            int seed = (int)(Interlocked.Increment(ref _next) - 1);
            Conversation conversation = new(seed, target);
            try
            {
                conversation.Run();
                FuzzJudge.JudgeAsync(target).GetAwaiter().GetResult();
                if (seed % 64 == 0) CheckLog();
            }
            catch (Exception fault)
            {
                string words = $"seed {seed} ({FuzzOrders.SeedVariable}={seed} {FuzzOrders.ConversationsVariable}=1 repeats it): {fault.Message}\n{conversation.Transcript}\n{fault}";
                _finding ??= fault is FuzzFinding ? new FuzzFinding(words) : new FuzzFinding("the fuzzer itself: " + words);
                return;
            }
            Count(conversation);
        }
    }

    private bool GoesOn() =>
        (orders.Conversations is not { } conversations || Volatile.Read(ref _next) < orders.Seed + conversations)
        && (orders.Inputs is not { } inputs || Volatile.Read(ref _sent) < inputs)
        && (orders.Duration is not { } duration || _time.Elapsed < duration);

    private void Count(Conversation conversation)
    {
        (long sent, long received) = conversation.Pdus;
        Interlocked.Add(ref _sent, sent);
        Interlocked.Add(ref _received, received);
        Interlocked.Add(ref _connections, conversation.Connections);
        Interlocked.Increment(ref _conversations);
        long memory = FuzzJudge.Memory(daemon), most = Volatile.Read(ref _mostMemory);
        if (memory > most) Interlocked.CompareExchange(ref _mostMemory, memory, most);
        long last = Volatile.Read(ref _lastReport), now = (long)(_time.Elapsed / ReportEvery);
        if (now > last && Interlocked.CompareExchange(ref _lastReport, now, last) == last) Report();
    }

    private void Report() => print(
        $"{_time.Elapsed.TotalSeconds:f0} s: {_conversations} conversations, {_connections} connections, {_sent} PDUs sent, {_received} received, {_mostMemory >> 20} MiB at most, next seed {Volatile.Read(ref _next)}");

    /// <summary>The daemon runs at log level error: whatever it says is a fault of its own.</summary>
    private void CheckLog()
    {
        if (daemon.Log.Length > 0) throw new FuzzFinding("the daemon says: " + daemon.Log);
    }

    private static string Hash(string path)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return Convert.ToHexString(SHA256.HashData(file));
    }
}

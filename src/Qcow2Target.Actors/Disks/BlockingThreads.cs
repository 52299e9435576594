using System.Collections.Concurrent;
using System.Globalization;

namespace Qcow2Target.Actors.Disks;

/// <summary>The process's threads for blocking calls, a set for each device.</summary>
public sealed class BlockingThreads
{
    private readonly ConcurrentDictionary<ulong, DeviceThreads> _devices = new();

    /// <summary>Threads for what belongs to no device in particular: resolving and opening names, the state file.</summary>
    public DeviceThreads General { get; } = new("io-general");

    public DeviceThreads ForDevice(ulong device) =>
        _devices.GetOrAdd(device, static d => new DeviceThreads("io-" + d.ToString("x", CultureInfo.InvariantCulture)));

    /// <summary>Runs a function on the general threads; the task ends with its value or its exception.</summary>
    public Task<T> Run<T>(Func<T> function)
    {
        var work = new FunctionWork<T>(function);
        General.Submit(work);
        return work.Task;
    }

    private sealed class FunctionWork<T>(Func<T> function) : BlockingWork
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T> Task => _done.Task;

        public override void Run()
        {
            try
            {
                _done.SetResult(function());
            }
#pragma warning disable CA1031 // whatever it was, it belongs to who waits
            catch (Exception e)
            {
                _done.SetException(e);
            }
#pragma warning restore CA1031
        }
    }
}

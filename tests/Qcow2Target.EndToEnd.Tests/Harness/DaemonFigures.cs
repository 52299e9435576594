using System.Globalization;

namespace Qcow2Target.EndToEnd.Tests.Harness;

/// <summary>What a process holds, as the kernel tells it.</summary>
/// <param name="Descriptors">Open descriptors.</param>
/// <param name="Sessions">Threads of iSCSI sessions.</param>
/// <param name="PeakBytes">The most that was ever resident.</param>
internal sealed record DaemonFigures(int Descriptors, int Sessions, long PeakBytes)
{
    private const string SessionThread = "iscsi-";

    public static DaemonFigures Of(int process) => new(
        Directory.GetFileSystemEntries($"/proc/{process}/fd").Length,
        Directory.GetDirectories($"/proc/{process}/task").Count(task => NameOf(task).StartsWith(SessionThread, StringComparison.Ordinal)),
        PeakOf(process));

    /// <summary>Descriptors that this process may have; the runtime has raised the soft limit to the hard one.</summary>
    public static int DescriptorLimit { get; } = int.Parse(
        File.ReadLines("/proc/self/limits").First(line => line.StartsWith("Max open files", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[3],
        CultureInfo.InvariantCulture);

    private static string NameOf(string task)
    {
        try
        {
            return File.ReadAllText(Path.Combine(task, "comm"));
        }
        catch (IOException)
        {
            return "";      // ended while we were looking
        }
    }

    private static long PeakOf(int process)
    {
        string line = File.ReadLines($"/proc/{process}/status").First(text => text.StartsWith("VmHWM:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;
    }
}

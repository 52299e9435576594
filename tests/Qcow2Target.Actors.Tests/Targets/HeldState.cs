using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Qcow2Target.Actors.Tests.Targets;

/// <summary>
/// A state file whose writes wait for the test: the name that a write begins with is a FIFO, at which the writer hangs until somebody reads.
/// </summary>
internal sealed class HeldState
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);
    private readonly string _file;

    /// <param name="file">Where the state file is. No write may be under way.</param>
    public HeldState(string file)
    {
        _file = file;
        if (mkfifo(Fresh, 0x180) != 0)   // rw-------
            throw new IOException($"mkfifo {Fresh}: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    private string Fresh => _file + ".new";

    /// <summary>Waits for a write and has it fail in its last step; what it would have written. The next is held again.</summary>
    public string FailOne()
    {
        if (!Directory.Exists(_file))
        {
            File.Delete(_file);
            Directory.CreateDirectory(_file);   // nothing can be renamed to it
        }
        return Read();
    }

    /// <summary>Waits for a write and has it succeed; what it wrote, which only the next write, that goes by itself, makes a file that can be read.</summary>
    public string PassOne()
    {
        if (Directory.Exists(_file))
            Directory.Delete(_file);
        return Read();
    }

    // Not by FileStream: its lock would hinder the writer's.
    private string Read()
    {
        using var reader = Process.Start(new ProcessStartInfo("cat", [Fresh]) { RedirectStandardOutput = true })!;
        var text = reader.StandardOutput.ReadToEndAsync();
        if (text.Wait(Limit))
            return text.Result;
        reader.Kill();
        throw new TimeoutException("nothing is written");
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int mkfifo(string path, uint mode);
}

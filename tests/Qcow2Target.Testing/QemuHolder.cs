using System.Diagnostics;

namespace Qcow2Target.Testing;

/// <summary>A qemu-io that has an image open, under QEMU's locks, until <see cref="Dispose"/>.</summary>
public sealed class QemuHolder : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private readonly Process _process;

    /// <summary>Starts it and returns when the image is open.</summary>
    /// <param name="options">Of qemu-io: <c>-f qcow2</c>, <c>-r</c>.</param>
    /// <exception cref="InvalidOperationException">It could not open the image.</exception>
    public QemuHolder(string path, params string[] options)
    {
        _process = Process.Start(new ProcessStartInfo("qemu-io", [.. options, path]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        // The answer to a first read tells that the image is open.
        _process.StandardInput.WriteLine("read 0 512");
        _process.StandardInput.Flush();
        var answer = _process.StandardOutput.ReadLineAsync();
        if (answer.Wait(Limit) && answer.Result is { } line && line.Contains("read 512/512", StringComparison.Ordinal)) return;
        Dispose();
        throw new InvalidOperationException($"qemu-io did not open {path}");
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            try
            {
                _process.StandardInput.Close();
            }
            catch (IOException)
            {
                // It ended by itself just now.
            }
            if (!_process.WaitForExit(Limit)) _process.Kill();
            _process.WaitForExit();
        }
        _process.Dispose();
    }
}

using System.Diagnostics;
using System.Text;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests.Harness;

/// <summary>A machine of QEMU: software emulation, its first serial port as console. Whatever goes wrong is told with all that it has printed.</summary>
internal sealed class VirtualMachine : IAsyncDisposable
{
    /// <summary>The host's loopback, as a guest with user networking sees it.</summary>
    public const string HostAddress = "10.0.2.2";

    private readonly Process _process;
    private readonly TempDirectory _folder;
    private readonly ITestOutputHelper _output;
    private readonly StringBuilder _console = new();

    private VirtualMachine(Process process, TempDirectory folder, ITestOutputHelper output)
    {
        _process = process;
        _folder = folder;
        _output = output;
        process.OutputDataReceived += (_, line) => Note(line.Data);
        process.ErrorDataReceived += (_, line) => Note(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>All that the machine has printed, in whole lines.</summary>
    public string Console
    {
        get { lock (_console) return _console.ToString(); }
    }

    /// <param name="output">Where the console goes at the end.</param>
    /// <param name="arguments">QEMU's options beside those for the accelerator and the console. The folder is the machine's own.</param>
    public static VirtualMachine Start(ITestOutputHelper output, Func<TempDirectory, string[]> arguments)
    {
        TempDirectory folder = new();
        string[] all = ["-accel", "tcg", "-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio", .. arguments(folder)];
        ProcessStartInfo start = new("qemu-system-x86_64", all) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        return new VirtualMachine(Process.Start(start)!, folder, output);
    }

    /// <summary>Waits until a text stands in the console.</summary>
    /// <exception cref="TimeoutException">It does not come.</exception>
    /// <exception cref="InvalidOperationException">The machine ended without it.</exception>
    public async Task HearAsync(string text, TimeSpan limit)
    {
        try
        {
            await Eventually.That(() => Console.Contains(text, StringComparison.Ordinal) || _process.HasExited, limit, $"the console says '{text}'");
        }
        catch (TimeoutException late)
        {
            throw new TimeoutException($"{late.Message}; it said:\n{Console}", late);
        }
        if (_process.HasExited) await _process.WaitForExitAsync();   // the rest of its output
        if (!Console.Contains(text, StringComparison.Ordinal)) throw new InvalidOperationException($"the machine ended and never said '{text}'; it said:\n{Console}");
    }

    /// <summary>Types a line at the console.</summary>
    public async Task TellAsync(string line)
    {
        await _process.StandardInput.WriteAsync($"{line}\n");
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>Waits until the machine has switched itself off.</summary>
    public async Task EndAsync(TimeSpan limit)
    {
        using CancellationTokenSource over = new(limit);
        await _process.WaitForExitAsync(over.Token);
    }

    /// <summary>The power goes.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) await KillAsync();
        _output.WriteLine(Console);
        _process.Dispose();
        _folder.Dispose();
    }

    // Firmware moves its cursor about; what a test and its log look for is text.
    private void Note(string? line)
    {
        if (line is null) return;
        lock (_console) _console.AppendLine(string.Concat(line.Where(letter => !char.IsControl(letter))));
    }
}

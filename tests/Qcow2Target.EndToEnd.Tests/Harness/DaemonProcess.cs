using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests.Harness;

/// <summary>
/// The built daemon as a child process with folders, a control socket and a loopback port of its own. It can be stopped, killed and
/// started again on the same folders and port.
/// </summary>
internal sealed class DaemonProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(60);
    private readonly TempDirectory _folder = new();
    private readonly ITestOutputHelper? _output;
    private readonly StringBuilder _log = new();
    private readonly string _bindTo;
    private readonly string[] _options;
    private readonly string[] _wrapper;
    private Process? _process;

    private DaemonProcess(ITestOutputHelper? output, string bindTo, string[] options, string[] wrapper)
    {
        _output = output;
        _bindTo = bindTo;
        _options = options;
        _wrapper = wrapper;
        Disks = _folder.Subdirectory("disks");
        StateFolder = _folder.Subdirectory("state");
        ControlSocket = _folder["control.sock"];
        Port = FreePort();
    }

    /// <summary>Where the built daemon is: beside this test project, in the configuration that it was built in.</summary>
    public static string Binary { get; } = BinaryOf("Qcow2Target.Server", "qcow2target");

    public static string AdminBinary { get; } = BinaryOf("Qcow2Target.Admin", "qcow2targetadmin");

    public string Disks { get; }
    public string StateFolder { get; }
    public string ControlSocket { get; }
    public int Port { get; }
    public int ProcessId => Running.Id;
    public IPEndPoint Portal => new(IPAddress.Loopback, Port);
    public string PortalUrl => $"iscsi://127.0.0.1:{Port}";

    /// <summary>All that the daemon has printed, over all its lives.</summary>
    public string Log
    {
        get { lock (_log) return _log.ToString(); }
    }

    private Process Running => _process ?? throw new InvalidOperationException("the daemon is not running");

    /// <param name="output">Where the daemon's log goes at the end.</param>
    /// <param name="bindTo">Host part of the portal; the probe for readiness goes there, for a wildcard to a loopback address of its family.</param>
    /// <param name="options">Further options of the daemon.</param>
    /// <param name="wrapper">A command that runs the daemon, such as strace with its options.</param>
    public static async Task<DaemonProcess> StartAsync(ITestOutputHelper? output = null, string bindTo = "127.0.0.1", string[]? options = null, string[]? wrapper = null)
    {
        DaemonProcess daemon = new(output, bindTo, options ?? [], wrapper ?? []);
        try
        {
            await daemon.StartAgainAsync();
            return daemon;
        }
        catch
        {
            await daemon.DisposeAsync();
            throw;
        }
    }

    public string Disk(string name) => Path.Combine(Disks, name);

    public string Url(string target, int lun = 0) => $"{PortalUrl}/{target}/{lun}";

    /// <summary>Starts the daemon on the same folders and port and waits until its control socket answers.</summary>
    public async Task StartAgainAsync()
    {
        if (_process is not null) throw new InvalidOperationException("the daemon runs already");
        string[] command =
        [
            .. _wrapper, Binary, "--disks-root", Disks, "--state-dir", StateFolder, "--control-socket", ControlSocket, "--portal", $"{_bindTo}:{Port}",
            .. _options.Contains("--log-level") ? (string[])[] : ["--log-level", "information"], .. _options,
        ];
        ProcessStartInfo start = new(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = _folder.Path,
        };
        _process = Process.Start(start) ?? throw new InvalidOperationException("the daemon did not start");
        _process.StandardInput.Close();
        _process.OutputDataReceived += (_, line) => Note(line.Data);
        _process.ErrorDataReceived += (_, line) => Note(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await Eventually.That(AnswersAsync, StartLimit, "the control socket and the portal answer");
    }

    /// <summary>SIGTERM; the daemon must end with exit code 0.</summary>
    public async Task StopAsync()
    {
        MustBeAlive();
        Process process = Running;
        Signal(process.Id, 15);
        int exitCode = await EndAsync(process);
        if (exitCode != 0) throw new InvalidOperationException($"the daemon ended with {exitCode} after SIGTERM\n{Log}");
    }

    /// <summary>SIGKILL, at once; returns when the process is gone.</summary>
    public async Task KillAsync()
    {
        Process process = Running;
        Signal(process.Id, 9);
        await EndAsync(process);
    }

    /// <summary>Sends a signal without waiting for what comes of it.</summary>
    public void Send(int signal) => Signal(Running.Id, signal);

    /// <summary>Waits until the daemon has ended by itself; its exit code.</summary>
    public Task<int> EndAsync() => EndAsync(Running);

    /// <summary>The paths of the files that the daemon has open.</summary>
    public IReadOnlyList<string> OpenFiles() =>
        [.. Directory.EnumerateFileSystemEntries($"/proc/{ProcessId}/fd").Select(LinkTarget).OfType<string>()];

    public void MustBeAlive()
    {
        if (Running.HasExited) throw new InvalidOperationException($"the daemon ended with {Running.ExitCode}\n{Log}");
    }

    /// <summary>For the end of a test class, where faults add to those of the test: stops the daemon if it runs, which must end with exit code 0.</summary>
    public async Task EndCleanlyAsync()
    {
        await using (this)
        {
            if (_process is not null) await StopAsync();
        }
    }

    /// <summary>Ends the daemon whatever its state; never fails, so that it hides no fault of the test.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_process is { } process)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
            process.Dispose();
            _process = null;
        }
        _output?.WriteLine(Log);
        _folder.Dispose();
    }

    private async Task<int> EndAsync(Process process)
    {
        using CancellationTokenSource limit = new(StopLimit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            _process = null;
            throw new TimeoutException($"the daemon did not end within {StopLimit.TotalSeconds} s\n{Log}");
        }
        _process = null;
        using (process) return process.ExitCode;
    }

    private async Task<bool> AnswersAsync()
    {
        MustBeAlive();
        if (!File.Exists(ControlSocket)) return false;
        try
        {
            IPAddress bound = IPAddress.Parse(_bindTo);
            IPAddress host = bound.Equals(IPAddress.Any) ? IPAddress.Loopback : bound.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : bound;
            using Socket probe = new(host.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            await probe.ConnectAsync(host, Port);
            await using ControlConnection control = await ControlConnection.OpenAsync(this);
            return await control.SendAsync("""{"type": "LIST"}""") is not null;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static string? LinkTarget(string descriptor)
    {
        try
        {
            return new FileInfo(descriptor).LinkTarget;
        }
        catch (FileNotFoundException)
        {
            return null;        // closed while we were looking
        }
    }

    private void Note(string? line)
    {
        if (line is null) return;
        lock (_log) _log.AppendLine(line);
    }

    private static string BinaryOf(string project, string name)
    {
        DirectoryInfo ours = new(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        string path = Path.Combine(ours.Parent!.Parent!.FullName, project, ours.Name, name);
        return File.Exists(path) ? path : throw new FileNotFoundException("build the solution first", path);
    }

    // Below the range from which the kernel takes the ports of outgoing connections, so that no client of ours sits on it between two lives of the daemon.
    public static int FreePort()
    {
        while (true)
        {
            int port = Random.Shared.Next(20000, 32000);
            using Socket probe = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException taken) when (taken.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                continue;
            }
        }
    }

    private static void Signal(int process, int signal)
    {
        if (kill(process, signal) != 0) throw new InvalidOperationException($"kill({process}, {signal}) failed: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int process, int signal);
}

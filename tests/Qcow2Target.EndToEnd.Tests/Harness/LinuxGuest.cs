using System.Diagnostics;
using System.Text;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests.Harness;

/// <summary>
/// A small Linux in QEMU (software emulation, user networking) that runs one script and powers off: the kernel's own initiator against
/// the daemon, which it finds at <see cref="HostAddress"/>. The script talks by its console: it prints lines, and reads those of
/// <see cref="TellAsync"/>. Made of what <c>tests/guest/build.sh</c> leaves in <c>artifacts/guest</c>.
/// </summary>
internal sealed class LinuxGuest : IAsyncDisposable
{
    /// <summary>The host's loopback, as the guest sees it.</summary>
    public const string HostAddress = "10.0.2.2";

    /// <summary>Ends the script's part of a test; the guest prints it after it.</summary>
    private const string JobEnded = "guest: job ended with ";

    /// <summary>Functions for all scripts: the daemon of the kernel's initiator, a login, a wait for a condition.</summary>
    private const string Prelude = """
        say() { echo "guest: $*"; }
        hear() { read -r heard; }
        wait_for() { n=0; until eval "$1"; do n=$((n+1)); [ $n -lt 300 ] || { say "in vain: $1"; return 1; }; sleep 0.1; done; }
        start_iscsid() {
            echo "InitiatorName=$1" >/etc/iscsi/initiatorname.iscsi
            iscsid -f >/run/iscsid.log 2>&1 &
            wait_for 'iscsiadm -m session >/dev/null 2>&1; [ $? = 21 ]'
        }
        make_node() { iscsiadm -m node -o new -T $1 -p $2,1 >/dev/null; }
        set_node() { iscsiadm -m node -T $1 -o update -n "$2" -v "$3"; }
        login() { iscsiadm -m node -T $1 --login >/dev/null && wait_for '[ -b /dev/sda ]'; }

        """;

    private static readonly string Files = Path.Combine(Repository.Root, "artifacts", "guest");
    private readonly Process _process;
    private readonly TempDirectory _folder;
    private readonly ITestOutputHelper _output;
    private readonly StringBuilder _console = new();

    private LinuxGuest(Process process, TempDirectory folder, ITestOutputHelper output)
    {
        _process = process;
        _folder = folder;
        _output = output;
        process.OutputDataReceived += (_, line) => Note(line.Data);
        process.ErrorDataReceived += (_, line) => Note(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>All that the guest has printed.</summary>
    public string Console
    {
        get { lock (_console) return _console.ToString(); }
    }

    public static LinuxGuest Start(ITestOutputHelper output, string script)
    {
        string kernel = Path.Combine(Files, "vmlinuz"), initramfs = Path.Combine(Files, "initramfs.gz");
        if (!File.Exists(kernel)) throw new FileNotFoundException("make it with tests/guest/build.sh artifacts/guest", kernel);
        TempDirectory folder = new();
        byte[] compressed = File.ReadAllBytes(initramfs);
        byte[] padded = new byte[(compressed.Length + 3) & ~3];
        compressed.CopyTo(padded, 0);
        File.WriteAllBytes(folder["initrd"], [.. padded, .. CpioArchive.Of("job.sh", $"{Prelude}{script.ReplaceLineEndings("\n")}\n")]);
        string[] arguments =
        [
            "-accel", "tcg", "-cpu", "max", "-m", "384", "-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio",
            "-kernel", kernel, "-initrd", folder["initrd"], "-append", "console=ttyS0 quiet panic=-1",
            "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile=",
        ];
        ProcessStartInfo start = new("qemu-system-x86_64", arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        return new LinuxGuest(Process.Start(start)!, folder, output);
    }

    /// <summary>Waits until the script has said a line, by <c>say</c>.</summary>
    public async Task HearAsync(string line)
    {
        string wanted = $"guest: {line}";
        await Eventually.That(() => Console.Contains(wanted, StringComparison.Ordinal) || _process.HasExited, TimeSpan.FromSeconds(90), $"the guest says '{line}'");
        Assert.Contains(wanted, Console, StringComparison.Ordinal);
    }

    /// <summary>A line for the script's <c>hear</c>.</summary>
    public async Task TellAsync(string line)
    {
        await _process.StandardInput.WriteAsync($"{line}\n");
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>Waits for the script's end, which must be a success, and for the guest to be off.</summary>
    public async Task EndAsync()
    {
        await HearAsync("job ended with");
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(30));
        await _process.WaitForExitAsync(limit.Token);
        Assert.Contains($"{JobEnded}0", Console, StringComparison.Ordinal);
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

    private void Note(string? line)
    {
        if (line is null) return;
        lock (_console) _console.AppendLine(line);
    }
}

using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests.Harness;

/// <summary>
/// A small Linux in a <see cref="VirtualMachine"/> that runs one script and powers off: the kernel's own initiator against
/// the daemon, which it finds at <see cref="VirtualMachine.HostAddress"/>. The script talks by its console: it prints lines, and reads those of
/// <see cref="TellAsync"/>. Made of what <c>tests/guest/build.sh</c> leaves in <c>artifacts/guest</c>.
/// </summary>
internal sealed class LinuxGuest : IAsyncDisposable
{
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
    private readonly VirtualMachine _machine;

    private LinuxGuest(VirtualMachine machine) => _machine = machine;

    /// <summary>All that the guest has printed.</summary>
    public string Console => _machine.Console;

    public static LinuxGuest Start(ITestOutputHelper output, string script)
    {
        string kernel = Path.Combine(Files, "vmlinuz"), initramfs = Path.Combine(Files, "initramfs.gz");
        if (!File.Exists(kernel)) throw new FileNotFoundException("make it with tests/guest/build.sh artifacts/guest", kernel);
        byte[] compressed = File.ReadAllBytes(initramfs);
        byte[] padded = new byte[(compressed.Length + 3) & ~3];
        compressed.CopyTo(padded, 0);
        byte[] withJob = [.. padded, .. CpioArchive.Of("job.sh", $"{Prelude}{script.ReplaceLineEndings("\n")}\n")];
        return new LinuxGuest(VirtualMachine.Start(output, folder =>
        [
            "-cpu", "max", "-m", "384", "-kernel", kernel, "-initrd", folder.File("initrd", withJob), "-append", "console=ttyS0 quiet panic=-1",
            "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile=",
        ]));
    }

    /// <summary>Waits until the script has said a line, by <c>say</c>.</summary>
    public Task HearAsync(string line) => _machine.HearAsync($"guest: {line}", TimeSpan.FromSeconds(90));

    /// <summary>A line for the script's <c>hear</c>.</summary>
    public Task TellAsync(string line) => _machine.TellAsync(line);

    /// <summary>Waits for the script's end, which must be a success, and for the guest to be off.</summary>
    public async Task EndAsync()
    {
        await HearAsync("job ended with");
        await _machine.EndAsync(TimeSpan.FromSeconds(30));
        Assert.Contains($"{JobEnded}0", Console, StringComparison.Ordinal);
    }

    /// <summary>The power goes.</summary>
    public Task KillAsync() => _machine.KillAsync();

    public ValueTask DisposeAsync() => _machine.DisposeAsync();
}

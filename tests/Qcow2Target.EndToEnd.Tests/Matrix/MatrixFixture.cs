using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests.Matrix;

/// <summary>One daemon for all rows: each has a directory of its own below the disks root, with the two bases that rows build upon.</summary>
public sealed class MatrixFixture : IAsyncLifetime
{
    internal const string Preamble = """
        set -e
        C(){ qemu-img create -q -f qcow2 "$@"; };  IO(){ qemu-io -f qcow2 "$@"; }
        poke(){ printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }

        """;

    private DaemonProcess? _daemon;
    private int _rows;

    internal DaemonProcess Daemon => _daemon ?? throw new InvalidOperationException("the daemon was not started");

    public async Task InitializeAsync()
    {
        _daemon = await DaemonProcess.StartAsync();
        Directory.CreateDirectory(Daemon.Disk("bases"));
        RunIn(Daemon.Disk("bases"), """
            qemu-img create -q -f raw base.raw 4M; qemu-io -f raw -c 'write -q -P 0xb0 0 4M' base.raw
            C base.qcow2 4M; IO -c 'write -q -P 0xb1 0 4M' base.qcow2
            """);
    }

    public async Task DisposeAsync()
    {
        if (_daemon is not null) await _daemon.EndCleanlyAsync();
    }

    /// <summary>Makes the disks of a row. Returns their directory, relative to the disks root.</summary>
    internal string Make(string script)
    {
        string name = $"row-{Interlocked.Increment(ref _rows)}";
        Directory.CreateDirectory(Daemon.Disk(name));
        RunIn(Daemon.Disk(name), $"cp ../bases/base.* .\n{script}");
        return name;
    }

    internal static void RunIn(string directory, string script) => Tool.Run("bash", ["-c", $"cd {directory}\n{Preamble}{script}"]).EnsureSuccess();
}

[CollectionDefinition(Name)]
public sealed class MatrixCollection : ICollectionFixture<MatrixFixture>
{
    public const string Name = "Matrix";
}

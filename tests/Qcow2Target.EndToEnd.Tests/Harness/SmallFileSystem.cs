using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests.Harness;

/// <summary>A file system of its own in memory that can run full. Mounting needs privileges: tests of it are <see cref="MountFactAttribute"/>.</summary>
internal sealed class SmallFileSystem : IDisposable
{
    private readonly TempDirectory _folder = new();

    public SmallFileSystem(long bytes)
    {
        Path = _folder.Subdirectory("full");
        Tool.Run("mount", ["-t", "tmpfs", "-o", $"size={bytes}", "none", Path]).EnsureSuccess();
    }

    public string Path { get; }

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose()
    {
        // Lazily: a tool of another test may have been forked while a file of ours was open.
        Tool.Run("umount", ["-l", Path]).EnsureSuccess();
        _folder.Dispose();
    }
}

/// <summary>A test that mounts a file system; left out where that is not allowed.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class MountFactAttribute : FactAttribute
{
    private static readonly bool CanMount = Tool.Run("unshare", ["--mount", "true"]).ExitCode == 0;

    public MountFactAttribute()
    {
        if (!CanMount) Skip = "mounting a file system is not allowed here";
    }
}

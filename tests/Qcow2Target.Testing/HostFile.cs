using System.Globalization;

namespace Qcow2Target.Testing;

/// <summary>What the file system says of a file.</summary>
public static class HostFile
{
    private const int BlockBytes = 512;

    /// <summary>Bytes of the disk that the file takes: st_blocks, which stat counts in 512 bytes.</summary>
    public static long AllocatedBytes(string path) =>
        BlockBytes * long.Parse(Tool.Run("stat", ["-c", "%b", path]).EnsureSuccess().Output, CultureInfo.InvariantCulture);
}

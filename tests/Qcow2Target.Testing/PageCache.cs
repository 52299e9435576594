namespace Qcow2Target.Testing;

/// <summary>The kernel's cache of file pages.</summary>
public static class PageCache
{
    /// <summary>Writes the file back and asks the kernel to drop its pages, for this one file, by dd's nocache flag. The kernel may keep some.</summary>
    public static void Drop(string path)
    {
        Tool.Run("sync", [path]).EnsureSuccess();
        Tool.Run("dd", [$"of={path}", "oflag=nocache", "conv=notrunc,fdatasync", "count=0", "status=none"]).EnsureSuccess();
    }
}

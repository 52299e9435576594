namespace Qcow2Target.Iscsi.Buffers;

/// <summary>Pinned byte arrays in a few sizes, shared by all sessions of the process. Any thread.</summary>
public sealed class BufferPool
{
    /// <summary>The process's own.</summary>
    public static BufferPool Shared { get; } = new();
}

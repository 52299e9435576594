using Qcow2Target.Iscsi.Buffers;

namespace Qcow2Target.Iscsi.Sessions;

/// <summary>
/// Bytes that a slow write takes. Belongs to the executor from <see cref="ICommandExecutor.StartWrite"/> until <see cref="ScsiTask.WriteDone"/> or
/// <see cref="ScsiTask.WriteFailed"/>.
/// </summary>
public sealed class DataOutBuffer
{
    private PooledBuffer? _buffer;
    private int _start;
    private int _length;

    internal DataOutBuffer()
    {
    }

    /// <summary>Bytes from the start of the transfer.</summary>
    public long Position { get; private set; }

    public ReadOnlyMemory<byte> Bytes => _buffer!.Array.AsMemory(_start, _length);

    internal int Length => _length;

    internal void Set(PooledBuffer buffer, int start, int length, long position)
    {
        _buffer = buffer;
        _start = start;
        _length = length;
        Position = position;
    }

    internal void Release()
    {
        _buffer!.LetGo();
        _buffer = null;
    }
}

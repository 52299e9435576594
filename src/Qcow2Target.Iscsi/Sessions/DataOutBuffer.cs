namespace Qcow2Target.Iscsi.Sessions;

/// <summary>
/// Bytes that a slow write takes. Belongs to the executor from <see cref="ICommandExecutor.StartWrite"/> until <see cref="ScsiTask.WriteDone"/> or
/// <see cref="ScsiTask.WriteFailed"/>.
/// </summary>
public sealed class DataOutBuffer
{
    /// <summary>Bytes from the start of the transfer.</summary>
    public long Position => throw new NotImplementedException();

    public ReadOnlyMemory<byte> Bytes => throw new NotImplementedException();
}

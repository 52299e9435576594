namespace Qcow2Target.Iscsi.Sessions;

/// <summary>
/// Where a slow read puts its bytes: the data segments of Data-In PDUs that are laid out already, with their headers between. Belongs to the
/// executor from <see cref="ICommandExecutor.StartRead"/> until <see cref="ScsiTask.ReadDone"/> or <see cref="ScsiTask.ReadFailed"/>.
/// </summary>
public sealed class DataInBuffer
{
    /// <summary>Bytes from the start of the transfer.</summary>
    public long Position => throw new NotImplementedException();

    /// <summary>Bytes of all segments together.</summary>
    public int Length => throw new NotImplementedException();

    public int SegmentCount => throw new NotImplementedException();

    /// <summary>The segments follow each other in the transfer; each but the last is a multiple of 512 bytes.</summary>
    public Memory<byte> Segment(int index) => throw new NotImplementedException();
}

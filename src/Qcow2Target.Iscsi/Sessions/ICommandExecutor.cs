namespace Qcow2Target.Iscsi.Sessions;

/// <summary>
/// What a session's machine asks of the SCSI side (SAM device server behind an I_T nexus). The machine calls <see cref="Begin"/>, <see cref="TryRead"/>,
/// <see cref="TryWrite"/> and <see cref="Manage"/> on the connection's thread only; <see cref="StartRead"/>, <see cref="StartWrite"/>,
/// <see cref="FinishWrite"/>, <see cref="Execute"/> and <see cref="Ended"/> on that thread or on the one that brought the completion they follow from. It
/// never holds a lock while it calls. The executor answers by the methods of <see cref="ScsiTask"/>, inside the call or later, from any thread.
/// </summary>
public interface ICommandExecutor
{
    /// <summary>
    /// A SCSI command was admitted, in CmdSN order. Exactly one of <see cref="ScsiTask.Complete"/>, <see cref="ScsiTask.ExpectRead"/>,
    /// <see cref="ScsiTask.ExpectWrite"/> and <see cref="ScsiTask.ExpectParameters"/> is called before this returns. What takes long and needs no data (a
    /// flush) asks for parameters of length 0 and goes on in <see cref="Execute"/>.
    /// </summary>
    void Begin(ScsiTask task);

    /// <summary>
    /// Fills <paramref name="destination"/> with the bytes of a Read transfer from <paramref name="position"/> (bytes from the start of the transfer) if
    /// that needs no waiting. False: not filled, the machine goes on with <see cref="StartRead"/>.
    /// </summary>
    bool TryRead(ScsiTask task, long position, Span<byte> destination);

    /// <summary>
    /// The same where waiting is needed: fills every segment of <paramref name="destination"/>; ends with <see cref="ScsiTask.ReadDone"/> or
    /// <see cref="ScsiTask.ReadFailed"/>, from any thread, even where the task was aborted meanwhile. At most one is under way for a task.
    /// </summary>
    void StartRead(ScsiTask task, DataInBuffer destination);

    /// <summary>
    /// Writes bytes of a Write transfer straight from the receive buffer if that needs no waiting. False: nothing or a part was written, the machine goes
    /// on with <see cref="StartWrite"/> of the same bytes.
    /// </summary>
    bool TryWrite(ScsiTask task, long position, ReadOnlySpan<byte> source);

    /// <summary>
    /// The same where waiting is needed; ends with <see cref="ScsiTask.WriteDone"/> or <see cref="ScsiTask.WriteFailed"/>, from any thread, even where the
    /// task was aborted meanwhile. Several may be under way for one task, on disjoint ranges.
    /// </summary>
    void StartWrite(ScsiTask task, DataOutBuffer source);

    /// <summary>All bytes of a Write transfer are written (FUA and write-through flush here). Ends with <see cref="ScsiTask.Complete"/>.</summary>
    void FinishWrite(ScsiTask task);

    /// <summary>
    /// All parameter data has arrived (fewer bytes than asked where the initiator announced fewer). The memory stays valid until <see cref="Ended"/>.
    /// Ends with <see cref="ScsiTask.Complete"/>.
    /// </summary>
    void Execute(ScsiTask task, ReadOnlyMemory<byte> parameters);

    /// <summary>True where the logical unit of the task reports sense in descriptor format (D_SENSE). Any thread; must not wait.</summary>
    bool WantsDescriptorSense(ScsiTask task);

    /// <summary>A task management function; ends with <see cref="TaskManagementRequest.Respond"/>, from any thread.</summary>
    void Manage(TaskManagementRequest request);

    /// <summary>
    /// The task has left the table and will not be touched again (answered, or aborted and quiet): drop what hangs on <see cref="ScsiTask.Context"/>. The
    /// object is used again for another command after this returns.
    /// </summary>
    void Ended(ScsiTask task);
}

namespace Qcow2Target.Scsi;

/// <summary>Work that is done when a command's parameters are there, on any thread.</summary>
/// <param name="parameters">The data-out, at most the plan's length; shorter when the initiator expected to send less.</param>
/// <param name="cancellationToken">Ends long work between two pieces (ABORT TASK, resets).</param>
internal delegate ValueTask<ScsiOutcome> DeferredWork(ReadOnlyMemory<byte> parameters, CancellationToken cancellationToken);

/// <summary>
/// What is to be done for one command: its CDB has been judged, nothing has happened yet. A value: READ and WRITE allocate nothing.
/// Its members may be called from any thread; pieces of a READ or WRITE may be in flight at once.
/// </summary>
public readonly struct CommandPlan
{
    private readonly DataOutTransfer? _transfer;
    private readonly DeferredWork? _work;
    private readonly long _offset;

    private CommandPlan(PlanKind kind, LogicalUnit? unit, long length)
    {
        Kind = kind;
        Unit = unit;
        Length = length;
    }

    public PlanKind Kind { get; }

    /// <summary>The logical unit that takes the command; null for an absent one and for the well known logical unit.</summary>
    public LogicalUnit? Unit { get; }

    /// <summary>
    /// Bytes that the CDB implies in the plan's direction (the standard's "SPDTL", from which residuals are counted): data-in for
    /// Read and for a Complete answer with data, data-out for Write and Parameters, 0 else.
    /// </summary>
    public long Length { get; }

    /// <summary>The answer of a Complete plan, null else.</summary>
    public ScsiOutcome? Outcome { get; private init; }

    private DataOutTransfer? Transfer
    {
        init => _transfer = value;
    }

    private DeferredWork? Work
    {
        init => _work = value;
    }

    private long Offset
    {
        init => _offset = value;
    }

    internal static CommandPlan Complete(LogicalUnit? unit, ScsiOutcome outcome) =>
        new(PlanKind.Complete, unit, outcome.DataIn.Length) { Outcome = outcome };

    internal static CommandPlan Read(LogicalUnit unit, long offset, long length) => new(PlanKind.Read, unit, length) { Offset = offset };

    internal static CommandPlan Write(LogicalUnit unit, long offset, long length, DataOutTransfer transfer) =>
        new(PlanKind.Write, unit, length) { Offset = offset, Transfer = transfer };

    internal static CommandPlan Parameters(LogicalUnit unit, long length, DeferredWork work) => new(PlanKind.Parameters, unit, length) { Work = work };

    internal static CommandPlan Execute(LogicalUnit unit, DeferredWork work) => new(PlanKind.Execute, unit, 0) { Work = work };

    /// <summary>Read: fills <paramref name="destination"/> with the data-in from byte <paramref name="position"/> of the transfer on, at once.</summary>
    /// <returns>False: it has to be waited for (or fails): <see cref="ReadAsync"/>.</returns>
    public bool TryRead(long position, Span<byte> destination)
    {
        CheckPiece(PlanKind.Read, position, destination.Length);
        return Unit!.TryRead(_offset + position, destination);
    }

    /// <summary>Read: as <see cref="TryRead"/>, waiting. <paramref name="destination"/> is the unit's until the task ends.</summary>
    /// <returns>GOOD when the bytes are there, or how the command fails. Faults are outcomes, not exceptions.</returns>
    public ValueTask<ScsiOutcome> ReadAsync(long position, Memory<byte> destination)
    {
        CheckPiece(PlanKind.Read, position, destination.Length);
        return Unit!.ReadAsync(_offset + position, destination);
    }

    /// <summary>Write: takes <paramref name="source"/>, the data-out from byte <paramref name="position"/> of the transfer on, at once.</summary>
    /// <returns>False: it has to be waited for (or fails): <see cref="WriteAsync"/> with the same bytes; a part may be written.</returns>
    public bool TryWrite(long position, ReadOnlySpan<byte> source)
    {
        CheckPiece(PlanKind.Write, position, source.Length);
        return _transfer!.TryWrite(Unit!, _offset + position, source);
    }

    /// <summary>Write: as <see cref="TryWrite"/>, waiting. <paramref name="source"/> is the unit's until the task ends.</summary>
    /// <param name="position">Byte of the transfer.</param>
    /// <param name="source">The bytes.</param>
    /// <param name="giveUp">The task was aborted: a wait for space ends at once.</param>
    /// <returns>GOOD when the piece is taken, or how the command fails (send no further piece then).</returns>
    public ValueTask<ScsiOutcome> WriteAsync(long position, ReadOnlyMemory<byte> source, CancellationToken giveUp = default)
    {
        CheckPiece(PlanKind.Write, position, source.Length);
        return _transfer!.WriteAsync(Unit!, _offset, position, source, giveUp);
    }

    /// <summary>Write: what is due between the last piece and the status: a flush for FUA or without write cache, the check of WRITE AND VERIFY.</summary>
    /// <param name="transferredBytes">Bytes of the transfer that came and were written, from its start: at most <see cref="Length"/>.</param>
    /// <returns>Ended already, without allocation, where nothing is due.</returns>
    public ValueTask<ScsiOutcome> FinishAsync(long transferredBytes)
    {
        CheckPiece(PlanKind.Write, 0, transferredBytes);
        return _transfer!.FinishAsync(Unit!, _offset, transferredBytes);
    }

    /// <summary>Parameters and Execute: does the work.</summary>
    /// <param name="parameters">The data-out that came, at most <see cref="Length"/> bytes; the unit's until the task ends.</param>
    /// <param name="cancellationToken">Ends long work at the next piece.</param>
    /// <exception cref="OperationCanceledException">The token ended the work; what was done stays done.</exception>
    public ValueTask<ScsiOutcome> ExecuteAsync(ReadOnlyMemory<byte> parameters, CancellationToken cancellationToken)
    {
        DeferredWork work = _work ?? throw new InvalidOperationException($"A {Kind} plan has no work.");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(parameters.Length, Length, nameof(parameters));
        return Unit!.RunAsync(work, parameters, cancellationToken);
    }

    // The transport counts bytes that a peer chose: a slip there must not reach another part of the disk.
    private void CheckPiece(PlanKind kind, long position, long length)
    {
        if (Kind != kind)
            throw new InvalidOperationException($"A {Kind} plan is not a {kind}.");
        if (position < 0 || length < 0 || position > Length - length)
            throw new ArgumentOutOfRangeException(nameof(position), position, $"A piece of {length} bytes at {position} lies outside the transfer of {Length}.");
    }
}

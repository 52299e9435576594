namespace Qcow2Target.Scsi;

/// <summary>
/// Lets one command have a range of bytes to itself against every write (COMPARE AND WRITE, ORWRITE, EXTENDED COPY). Plain writes count
/// themselves in and out: two interlocked operations while nobody holds a range or wants one. Who waits is served in order of arrival
/// as far as ranges overlap, so that neither holders nor writers starve. Reads take no part. Thread-safe.
/// </summary>
internal sealed class RangeLock
{
    private readonly Lock _gate = new();
    private readonly List<Claim> _inside = [];       // holders, and the writers that came while there was one
    private readonly List<Waiter> _waiting = [];    // in order of arrival
    private long _lastId;
    private int _anonymous;   // writers inside that left no range behind, for nobody asked
    private int _holders;     // inside or waiting; changed under the gate

    /// <summary>Counts a write in, unless it has to wait for a holder.</summary>
    public bool TryEnter(long offset, long length, out WriteTicket ticket)
    {
        ticket = default;
        // Counted before looking, as a holder announces itself before it counts: one of the two sees the other.
        Interlocked.Increment(ref _anonymous);
        if (Volatile.Read(ref _holders) == 0)
            return true;

        LeaveAnonymously();
        lock (_gate)
            return TryEnterInOrder(offset, length, out ticket);
    }

    /// <summary>As <see cref="TryEnter"/>, waiting.</summary>
    /// <exception cref="OperationCanceledException">The token ended the wait; the write is not in.</exception>
    public ValueTask<WriteTicket> EnterAsync(long offset, long length, CancellationToken giveUp)
    {
        if (TryEnter(offset, length, out WriteTicket ticket))
            return new(ticket);

        lock (_gate)
        {
            if (TryEnterInOrder(offset, length, out ticket))
                return new(ticket);
            var waiter = new Waiter(NextClaim(offset, length, RangeUse.Shared));
            _waiting.Add(waiter);
            return WaitAsync(waiter, giveUp);
        }
    }

    public void Leave(WriteTicket ticket)
    {
        if (ticket.Id == 0)
            LeaveAnonymously();
        else
            Leave(ticket.Id, RangeUse.Shared);
    }

    /// <summary>Waits until no write touches the range and then keeps every one out until the hold is disposed of.</summary>
    /// <exception cref="OperationCanceledException">The token ended the wait; nothing is held.</exception>
    public async ValueTask<RangeHold> HoldAsync(long offset, long length, CancellationToken cancellationToken)
    {
        Waiter waiter;
        lock (_gate)
        {
            Interlocked.Increment(ref _holders);
            waiter = new Waiter(NextClaim(offset, length, RangeUse.Alone));
            _waiting.Add(waiter);
            Admit();
        }

        await WaitAsync(waiter, cancellationToken).ConfigureAwait(false);
        return new RangeHold(this, waiter.Claim.Id);
    }

    internal void Leave(long id, RangeUse use)
    {
        lock (_gate)
        {
            if (_inside.RemoveAll(claim => claim.Id == id) + _waiting.RemoveAll(waiter => waiter.Claim.Id == id) == 0)
                return;
            if (use == RangeUse.Alone)
                Interlocked.Decrement(ref _holders);
            Admit();
        }
    }

    private async ValueTask<WriteTicket> WaitAsync(Waiter waiter, CancellationToken cancellationToken)
    {
        try
        {
            return await waiter.Entered.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Leave(waiter.Claim.Id, waiter.Claim.Use);   // whether it came in meanwhile or still waits
            throw;
        }
    }

    private void LeaveAnonymously()
    {
        if (Interlocked.Decrement(ref _anonymous) != 0 || Volatile.Read(ref _holders) == 0)
            return;
        lock (_gate)
            Admit();
    }

    private bool TryEnterInOrder(long offset, long length, out WriteTicket ticket)
    {
        ticket = default;
        if (_holders == 0)
        {
            Interlocked.Increment(ref _anonymous);   // holders come under the gate only
            return true;
        }

        Claim claim = NextClaim(offset, length, RangeUse.Shared);
        if (_inside.Exists(claim.Excludes) || _waiting.Exists(waiter => claim.Excludes(waiter.Claim)))
            return false;
        _inside.Add(claim);
        ticket = new WriteTicket(claim.Id);
        return true;
    }

    /// <summary>Lets in whoever neither meets one who is inside nor overtakes one who waits.</summary>
    private void Admit()
    {
        for (int i = 0; i < _waiting.Count; i++)
        {
            Waiter waiter = _waiting[i];
            if (_inside.Exists(waiter.Claim.Excludes) || _waiting.FindIndex(0, i, earlier => waiter.Claim.Excludes(earlier.Claim)) >= 0)
                continue;
            if (waiter.Claim.Use == RangeUse.Alone && Volatile.Read(ref _anonymous) != 0)
                continue;   // nobody knows where those write; the last of them comes back here
            _waiting.RemoveAt(i--);
            _inside.Add(waiter.Claim);
            waiter.Entered.SetResult(new WriteTicket(waiter.Claim.Id));
        }
    }

    private Claim NextClaim(long offset, long length, RangeUse use) => new(++_lastId, offset, offset + length, use);

    private readonly record struct Claim(long Id, long Start, long End, RangeUse Use)
    {
        public bool Excludes(Claim other) =>
            Start < other.End && other.Start < End && (Use == RangeUse.Alone || other.Use == RangeUse.Alone);
    }

    private sealed class Waiter(Claim claim)
    {
        public Claim Claim => claim;

        public TaskCompletionSource<WriteTicket> Entered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>What a range is wanted for.</summary>
internal enum RangeUse
{
    /// <summary>A write among others.</summary>
    Shared,

    /// <summary>A read and a write with no other write between them.</summary>
    Alone,
}

/// <summary>A write that has been counted in and has to be counted out. The default one left no range behind.</summary>
internal readonly record struct WriteTicket(long Id);

/// <summary>A range that is held; disposing gives it back, also twice.</summary>
internal readonly struct RangeHold(RangeLock owner, long id) : IDisposable
{
    public void Dispose() => owner.Leave(id, RangeUse.Alone);
}

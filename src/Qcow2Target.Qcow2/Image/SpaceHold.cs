namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// Holds writes and zeroings that found the file system full: each for <see cref="Patience"/> from its first failure, or
/// until nobody waits for it. The oldest tries again now and then; when it gets through, all do. Belongs to the queue of operations.
/// </summary>
internal sealed class SpaceHold(TimeProvider time)
{
    private long _lastTry;
    private bool _hasProbe;
    private bool _isFull;
    private bool _isOver;

    /// <summary>How long each is held.</summary>
    internal TimeSpan Patience { get; set; } = WriterLimits.SpacePatience;

    /// <summary>How long until somebody tries again, for the owner's timer. Meaningless where nobody is held.</summary>
    internal TimeSpan UntilRetry
    {
        get
        {
            var left = WriterLimits.SpaceRetry - time.GetElapsedTime(_lastTry);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    /// <summary>An operation found no space. It is held; <see cref="Judge"/> says for how long.</summary>
    internal void Enter(Operation operation, ImageFault fault)
    {
        _lastTry = time.GetTimestamp();
        _isFull = true;
        operation.FullSince ??= _lastTry;
        operation.SpaceFault = fault;
    }

    /// <summary>An operation got through: whoever is held may try.</summary>
    internal void Leave(Operation operation)
    {
        if (operation.FullSince is null) return;
        operation.FullSince = null;
        operation.SpaceFault = null;
        _isFull = false;
    }

    /// <summary>From now on nobody is held: the image closes.</summary>
    internal void End() => _isOver = true;

    /// <summary>A round of judgements begins.</summary>
    internal void BeginRound() => _hasProbe = false;

    /// <summary>What a held operation does now.</summary>
    internal SpaceVerdict Judge(Operation operation)
    {
        if (_isOver || operation.Request.IsAbandoned || time.GetElapsedTime(operation.FullSince!.Value) >= Patience) return SpaceVerdict.Fail;
        if (!_isFull) return SpaceVerdict.Try;
        if (_hasProbe || UntilRetry > TimeSpan.Zero) return SpaceVerdict.Wait;
        // One at a time: it writes what it can before it fails.
        _hasProbe = true;
        _lastTry = time.GetTimestamp();
        return SpaceVerdict.Try;
    }
}

/// <summary>What becomes of an operation that is held for space.</summary>
internal enum SpaceVerdict
{
    Wait,
    Try,
    Fail,
}

namespace Qcow2Target.Scsi.Operations;

/// <summary>A sanitize operation that was begun: what must be known to do it again from its beginning.</summary>
/// <param name="Exit">What ends its failure.</param>
/// <param name="OverwriteList">The parameter list of SANITIZE OVERWRITE; empty: block erase.</param>
public sealed record SanitizeRecord(FailureExit Exit, ReadOnlyMemory<byte> OverwriteList);

/// <summary>What becomes of an unfinished sanitize operation when its medium is attached again.</summary>
public enum SanitizeResumption
{
    /// <summary>It is done again from its beginning (SBC-4 4.11: a sanitize operation goes on after a loss of power).</summary>
    GoesOn,

    /// <summary>It has failed: nobody gets at the data until an initiator sanitizes the medium, or leaves the failure mode where it may.</summary>
    HasFailed,
}

/// <summary>Keeps over a loss of power that a medium is being sanitized. Any thread; calls for one unit come one at a time.</summary>
public interface ISanitizeKeeper
{
    /// <summary>Keeps <paramref name="record"/> in place of what was kept before; null: the medium is not being sanitized.</summary>
    /// <returns>Ends when it is on stable storage. False: what was kept before is still kept.</returns>
    ValueTask<bool> TryKeepAsync(SanitizeRecord? record);
}

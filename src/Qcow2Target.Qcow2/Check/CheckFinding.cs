namespace Qcow2Target.Qcow2.Check;

/// <summary>What kind of contradiction was found in the metadata of an image.</summary>
public enum CheckFindingKind
{
    /// <summary>An entry of a table with reserved bits, an unaligned or impossible offset, or a contradiction in itself.</summary>
    ImpossibleEntry,

    /// <summary>A pointer to what begins, or ends by a cluster or more, behind the end of the file.</summary>
    BeyondEnd,

    /// <summary>Two structures lie in one host cluster, or a mapping points into one.</summary>
    Overlap,

    /// <summary>A host cluster is used more often than it is counted: it may be given out again while it is in use.</summary>
    CountTooLow,

    /// <summary>A host cluster is used more often than refcounts of this width can tell.</summary>
    CountOverflow,

    /// <summary>COPIED does not say whether the count is 1.</summary>
    CopiedMismatch,

    /// <summary>COPIED stands in an L1 entry that names no table. Read as no table.</summary>
    StrayCopied,

    /// <summary>An entry of the snapshot table lacks what version 3 demands.</summary>
    IncompleteSnapshot,

    /// <summary>The dirty bitmaps that the header calls right are not.</summary>
    BadBitmap,

    /// <summary>A refcount block cannot be found: nothing can be said of its counts.</summary>
    UnreadableCounts,

    /// <summary>A host cluster is counted more often than it is used: space is lost, nothing else.</summary>
    Leak,
}

/// <summary>One contradiction.</summary>
/// <param name="Offset">Byte of the file where the offending value stands; for counts the host cluster that is counted.</param>
/// <param name="Value">The value as it stands there: a raw entry, or a count.</param>
/// <param name="Expected">For counts: how often the cluster is used. For COPIED: the refcount. Else 0.</param>
/// <param name="Subject">What the value is, in words.</param>
public readonly record struct CheckFinding(CheckFindingKind Kind, long Offset, ulong Value, ulong Expected, string Subject)
{
    /// <summary>An error: the image is corrupt, if not always dangerous. Otherwise a leak.</summary>
    public bool IsError => Kind != CheckFindingKind.Leak;

    /// <summary>True: writing to the image could destroy data, or cannot be said not to.</summary>
    public bool ForbidsWriting => Kind is not (CheckFindingKind.Leak or CheckFindingKind.CopiedMismatch or CheckFindingKind.StrayCopied
        or CheckFindingKind.IncompleteSnapshot or CheckFindingKind.BadBitmap);

    /// <summary>The refcount structures themselves are at fault: new ones put it right.</summary>
    internal bool IsInRefcounts => Subject is RefcountTableSubject or RefcountEntrySubject or RefcountBlockSubject;

    /// <summary>Rewriting COPIED and counts, or making the refcount structures anew, puts it right or leaves it as it is without harm.</summary>
    internal bool IsRepairable => Kind != CheckFindingKind.BadBitmap && (!ForbidsWriting || Kind == CheckFindingKind.CountTooLow || IsInRefcounts);

    internal const string RefcountTableSubject = "refcount table";
    internal const string RefcountEntrySubject = "refcount table entry";
    internal const string RefcountBlockSubject = "refcount block";

    public override string ToString() => Kind switch
    {
        CheckFindingKind.ImpossibleEntry => $"{Subject} at 0x{Offset:x} (0x{Value:x}) is impossible",
        CheckFindingKind.BeyondEnd => $"{Subject} at 0x{Offset:x} (0x{Value:x}) points beyond the end of the file",
        CheckFindingKind.Overlap => $"{Subject} at 0x{Offset:x} (0x{Value:x}) overlaps other metadata",
        CheckFindingKind.CountTooLow => $"the host cluster at 0x{Offset:x} is used {Expected} times and has the refcount {Value}",
        CheckFindingKind.CountOverflow => $"the host cluster at 0x{Offset:x} is used {Expected} times, more than a refcount can tell",
        CheckFindingKind.CopiedMismatch => $"{Subject} at 0x{Offset:x} (0x{Value:x}): COPIED contradicts the refcount {Expected}",
        CheckFindingKind.StrayCopied => $"{Subject} at 0x{Offset:x} (0x{Value:x}) has COPIED and no table",
        CheckFindingKind.UnreadableCounts => $"{Subject} at 0x{Offset:x} (0x{Value:x}) names no refcount block that could be read",
        CheckFindingKind.Leak => $"the host cluster at 0x{Offset:x} is leaked: used {Expected} times, refcount {Value}",
        _ => $"{Subject} at 0x{Offset:x} (0x{Value:x}) is not as it should be",
    };
}

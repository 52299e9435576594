namespace Qcow2Target.Qcow2.Check;

/// <summary>What a check says of an image as a whole: the four answers of <c>qemu-img check</c>.</summary>
public enum CheckOutcome
{
    /// <summary>No contradiction (exit code 0).</summary>
    Clean,

    /// <summary>Nothing but lost space (exit code 3).</summary>
    Leaks,

    /// <summary>At least one error (exit code 2).</summary>
    Corrupt,

    /// <summary>The header or the snapshot table cannot be read, a refcount block cannot be found, or a limit was passed (exit code 1).</summary>
    NotChecked,
}

/// <summary>What was found in an image.</summary>
public sealed class CheckReport
{
    /// <summary>Findings that are kept one by one; beyond them only their number is known.</summary>
    public const int MaxFindings = 1000;

    private readonly List<CheckFinding> _findings = [];
    private readonly long[] _counts = new long[Enum.GetValues<CheckFindingKind>().Length];
    private readonly string? _obstacle;

    internal CheckReport(string? obstacle = null) => _obstacle = obstacle;

    /// <summary>The first <see cref="MaxFindings"/>, in the order in which they were found.</summary>
    public IReadOnlyList<CheckFinding> Findings => _findings;

    /// <summary>Contradictions other than leaks.</summary>
    public long Errors => _counts.Sum() - Leaks;

    /// <summary>Host clusters that are counted more often than they are used.</summary>
    public long Leaks => this[CheckFindingKind.Leak];

    /// <summary>Why the image could not be checked, or null.</summary>
    public string? Obstacle => _obstacle ?? (_findings.Find(PreventsJudgement) is { Subject: not null } finding ? finding.ToString() : null);

    public CheckOutcome Outcome
    {
        get
        {
            if (_obstacle is not null || this[CheckFindingKind.UnreadableCounts] + this[CheckFindingKind.BadBitmap] > 0) return CheckOutcome.NotChecked;
            if (Errors > 0) return CheckOutcome.Corrupt;
            return Leaks > 0 ? CheckOutcome.Leaks : CheckOutcome.Clean;
        }
    }

    /// <summary>The outcome in a word: <c>clean</c>, <c>leaks</c>, <c>corrupt</c> or <c>not_checked</c>.</summary>
    public string Verdict => Outcome switch
    {
        CheckOutcome.Clean => "clean",
        CheckOutcome.Leaks => "leaks",
        CheckOutcome.Corrupt => "corrupt",
        _ => "not_checked",
    };

    /// <summary>Why the image could not be checked, or the first findings, in sentences.</summary>
    public IReadOnlyList<string> Describe(int most) => Obstacle is { } obstacle ? [obstacle] : [.. _findings.Take(most).Select(finding => finding.ToString())];

    /// <summary>How many findings of a kind there are.</summary>
    public long this[CheckFindingKind kind] => _counts[(int)kind];

    /// <summary>The first finding that a repair does not put right, or null.</summary>
    internal CheckFinding? FirstUnrepairable { get; private set; }

    /// <summary>The refcount structures themselves are at fault.</summary>
    internal bool DamagesRefcounts { get; private set; }

    internal void Add(CheckFinding finding)
    {
        if (!finding.IsRepairable) FirstUnrepairable ??= finding;
        DamagesRefcounts |= finding.IsInRefcounts;
        _counts[(int)finding.Kind]++;
        if (_findings.Count < MaxFindings) _findings.Add(finding);
    }

    private static bool PreventsJudgement(CheckFinding finding) => finding.Kind is CheckFindingKind.UnreadableCounts or CheckFindingKind.BadBitmap;
}

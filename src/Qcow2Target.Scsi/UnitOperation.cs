using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi;

/// <summary>What takes the whole medium.</summary>
internal enum UnitOperationKind
{
    Format,
    Sanitize,
}

/// <summary>Whether EXIT FAILURE MODE may end a failed sanitize operation (AUSE).</summary>
internal enum FailureExit
{
    OnlyBySanitizing,
    Allowed,
}

/// <summary>Work on the whole medium, which no abort and no reset ends. While it runs commands learn how far it has come.</summary>
internal sealed class UnitOperation(UnitOperationKind kind, FailureExit exit, long totalBytes)
{
    private long _doneBytes;
    private volatile bool _failed;

    public UnitOperationKind Kind => kind;

    public FailureExit Exit => exit;

    /// <summary>A sanitize that failed: nobody gets at the data until another one succeeds (SBC-3 4.11.3).</summary>
    public bool HasFailed => _failed;

    /// <summary>Ends with the operation.</summary>
    public Task<ScsiOutcome> Completion { get; set; } = null!;

    /// <summary>What commands are told.</summary>
    public SenseData Sense => (kind, _failed) switch
    {
        (_, true) => SenseData.SanitizeFailed,
        (UnitOperationKind.Sanitize, _) => SenseData.SanitizeInProgress(Progress),
        _ => SenseData.FormatInProgress(Progress),
    };

    /// <summary>In 65536ths.</summary>
    private ushort Progress => (ushort)Math.Min(ushort.MaxValue, Interlocked.Read(ref _doneBytes) / Math.Max(1, totalBytes >> 16));

    public void Advance(long bytes) => Interlocked.Add(ref _doneBytes, bytes);

    public void Fail() => _failed = true;
}

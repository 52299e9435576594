namespace Qcow2Target.Control.Errors;

/// <summary>The <c>code</c> of a failed request, for programs. They are part of the contract: one may be added, none renamed.</summary>
public static class ErrorCodes
{
    // The line is no request.
    public const string LineTooLong = "line_too_long";
    public const string IncompleteLine = "incomplete_line";
    public const string InvalidJson = "invalid_json";
    public const string UnknownRequest = "unknown_request";
    public const string MissingField = "missing_field";
    public const string UnknownField = "unknown_field";
    public const string DuplicateField = "duplicate_field";
    public const string WrongType = "wrong_type";

    // Targets.
    public const string TargetNotFound = "target_not_found";
    public const string TargetExists = "target_exists";
    public const string TargetConnected = "target_connected";
    public const string TargetHasLuns = "target_has_luns";
    public const string InvalidTargetName = "invalid_target_name";

    // Logical units.
    public const string LunNotFound = "lun_not_found";
    public const string LunIdInUse = "lun_id_in_use";
    public const string InvalidLunId = "invalid_lun_id";
    public const string InvalidSerial = "invalid_serial";
    public const string SerialInUse = "serial_in_use";
    public const string Detaching = "detaching";
    public const string LunNotReady = "lun_not_ready";

    // Images.
    public const string InvalidDiskPath = "invalid_disk_path";
    public const string DiskNotFound = "disk_not_found";
    public const string DiskInUse = "disk_in_use";
    public const string DiskUnsupported = "disk_unsupported";
    public const string DiskPending = "disk_pending";
    public const string DiskCorrupt = "disk_corrupt";
    public const string DiskIo = "disk_io";
    public const string DiskFull = "disk_full";
    public const string DiskReadOnly = "disk_read_only";
    public const string InvalidSize = "invalid_size";
    public const string InvalidPhysicalBlockSize = "invalid_physical_block_size";

    /// <summary>Access rules with a value that is none, or that contradict each other.</summary>
    public const string InvalidAccess = "invalid_access";
    public const string CannotShrink = "cannot_shrink";
    public const string DiskTooLarge = "disk_too_large";

    // The daemon.
    public const string LimitExceeded = "limit_exceeded";
    public const string DeadlineExceeded = "deadline_exceeded";
    public const string StateNotSaved = "state_not_saved";
    public const string ShuttingDown = "shutting_down";
    public const string Internal = "internal";
}

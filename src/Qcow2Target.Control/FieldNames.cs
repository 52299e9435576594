namespace Qcow2Target.Control;

/// <summary>Field names of requests and replies, as they stand on the wire.</summary>
internal static class FieldNames
{
    // A request.
    public const string Type = "type";
    public const string Command = "command";

    // A reply, in the order in which they are written. "Type" begins with a capital letter: clients in use look for it so.
    public const string Error = "error";
    public const string Result = "result";
    public const string ReplyType = "Type";
    public const string Code = "code";

    public const string TargetName = "target_name";
    public const string DiskPath = "disk_path";
    public const string LunId = "lun_id";
    public const string Serial = "serial";
    public const string Size = "size";
    public const string ReadOnly = "read_only";
    public const string DetectZeroes = "detect_zeroes";
    public const string Removable = "removable";
    public const string PhysicalBlockSize = "physical_block_size";
    public const string DiscardPending = "discard_pending";
    public const string Force = "force";
    public const string Flush = "flush";
    public const string Details = "details";
    public const string Chap = "chap";
    public const string MutualChap = "mutual_chap";
    public const string Initiators = "initiators";
    public const string Networks = "networks";
    public const string Name = "name";
    public const string Secret = "secret";
    public const string Access = "access";
    public const string Outcome = "outcome";
    public const string Errors = "errors";
    public const string Leaks = "leaks";
    public const string Findings = "findings";
    public const string FilePath = "file_path";
    public const string FreedLogicalUnitPaths = "freed_logical_unit_paths";

    // A target of LIST, and a logical unit in it.
    public const string TargetId = "target_id";
    public const string LogicalUnits = "logical_units";
    public const string HasConnections = "has_connections";
    public const string ItNexuses = "it_nexuses";
    public const string UnresponsiveNexuses = "unresponsive_nexuses";
    public const string LogicalUnitId = "logical_unit_id";
    public const string State = "state";
    public const string StateReason = "state_reason";
    public const string SizeBytes = "size_bytes";
    public const string BackingPaths = "backing_paths";
}

using Qcow2Target.Control.Requests;

namespace Qcow2Target.Control.Errors;

/// <summary>Every failure that the contract names, one factory each: code and text stand together here and nowhere else.</summary>
public static class ControlErrors
{
    // The line is no request.

    public static ControlError LineTooLong() => new(
        ErrorCodes.LineTooLong,
        $"the request is longer than {ControlLimits.MaxLineBytes} bytes; the connection is closed",
        ErrorFact.Of("limit", ControlLimits.MaxLineBytes));

    public static ControlError IncompleteLine() => new(
        ErrorCodes.IncompleteLine, "the request ended before its line did: a request is one line that ends in a line feed");

    /// <param name="reason">What is wrong with it, as a clause.</param>
    public static ControlError InvalidJson(string reason) => new(ErrorCodes.InvalidJson, $"the request is not valid JSON: {reason}");

    public static ControlError UnknownRequest(string type) => new(
        ErrorCodes.UnknownRequest,
        $"there is no request {Quote(type)}; there are {string.Join(", ", RequestTypes.All)}",
        ErrorFact.Of("type", Shorten(type)));

    public static ControlError MissingField(string field) => new(
        ErrorCodes.MissingField, $"field {Quote(field)} is missing", ErrorFact.Of("field", Shorten(field)));

    public static ControlError UnknownField(string field, string type) => new(
        ErrorCodes.UnknownField, $"{type} has no field {Quote(field)}", ErrorFact.Of("field", Shorten(field)));

    public static ControlError DuplicateField(string field) => new(
        ErrorCodes.DuplicateField, $"field {Quote(field)} is given twice", ErrorFact.Of("field", Shorten(field)));

    /// <param name="field">The field.</param>
    /// <param name="expected">What it must be: <c>a string</c>.</param>
    /// <param name="actual">What it is: <c>an object</c>.</param>
    public static ControlError WrongType(string field, string expected, string actual) => new(
        ErrorCodes.WrongType, $"field {Quote(field)} must be {expected}, not {actual}", ErrorFact.Of("field", Shorten(field)));

    // Targets.

    public static ControlError TargetNotFound(string targetName) => ControlError.Verbatim(
        ErrorCodes.TargetNotFound, ReliedUponTexts.TargetDoesNotExist, ErrorFact.Of("target_name", Shorten(targetName)));

    public static ControlError TargetExists(string targetName) => ControlError.Verbatim(
        ErrorCodes.TargetExists, ReliedUponTexts.TargetAlreadyExists, ErrorFact.Of("target_name", Shorten(targetName)));

    /// <summary>CLEARTARGET of a target with initiators.</summary>
    public static ControlError ClearWhileConnected(string targetName) => ControlError.Verbatim(
        ErrorCodes.TargetConnected, ReliedUponTexts.TargetHasActiveIscsiConnection, ErrorFact.Of("target_name", Shorten(targetName)));

    /// <summary>DELETETARGET of a target with initiators.</summary>
    public static ControlError DeleteWhileConnected(string targetName) => ControlError.Verbatim(
        ErrorCodes.TargetConnected, ReliedUponTexts.TargetHasActiveConnections, ErrorFact.Of("target_name", Shorten(targetName)));

    /// <summary>DELETETARGET of a target with logical units.</summary>
    public static ControlError DeleteWithLuns(string targetName) => ControlError.Verbatim(
        ErrorCodes.TargetHasLuns, ReliedUponTexts.TargetHasLogicalUnits, ErrorFact.Of("target_name", Shorten(targetName)));

    /// <param name="targetName">The name.</param>
    /// <param name="fault">Why it is none, from <see cref="IscsiName.FindTargetNameFault"/>.</param>
    public static ControlError InvalidTargetName(string targetName, string fault) => new(
        ErrorCodes.InvalidTargetName,
        $"{Quote(targetName)} is no target name: {fault}",
        ErrorFact.Of("target_name", Shorten(targetName)));

    // Logical units.

    public static ControlError LunNotFound(string targetName, long lunId) => ControlError.Verbatim(
        ErrorCodes.LunNotFound,
        ReliedUponTexts.LogicalUnitNotFound,
        ErrorFact.Of("target_name", Shorten(targetName)),
        ErrorFact.Of("lun_id", lunId));

    public static ControlError LunIdInUse(string targetName, long lunId) => new(
        ErrorCodes.LunIdInUse,
        $"LUN id {lunId} of {Quote(targetName)} is in use; leave lun_id out to get a free one",
        ErrorFact.Of("target_name", Shorten(targetName)),
        ErrorFact.Of("lun_id", lunId));

    public static ControlError InvalidLunId(long lunId) => new(
        ErrorCodes.InvalidLunId, $"lun_id must be 0 to {ControlLimits.MaxLunId}, not {lunId}", ErrorFact.Of("lun_id", lunId));

    public static ControlError InvalidSerial(string serial, string fault) => new(
        ErrorCodes.InvalidSerial, $"{Quote(serial)} is no serial number: {fault}", ErrorFact.Of("serial", Shorten(serial)));

    /// <param name="serial">As given at ATTACH, or what the daemon made for the image's path.</param>
    /// <param name="holder">The other disk: a logical unit.</param>
    public static ControlError SerialInUse(string serial, string holder) => new(
        ErrorCodes.SerialInUse,
        $"the serial number {Quote(serial)} is that of {holder}, and two disks with one are one disk to initiators; give it another",
        ErrorFact.Of("serial", Shorten(serial)),
        ErrorFact.Of("holder", Shorten(holder)));

    /// <summary>A detach that did not end in time: the logical unit is out of service, its file is not free yet.</summary>
    /// <param name="filePath">Absolute path of the image.</param>
    /// <param name="waitedFor">What it waited for, as a noun.</param>
    public static ControlError Detaching(string filePath, string waitedFor) => new(
        ErrorCodes.Detaching,
        $"{Quote(filePath)} is still being detached: waiting for {waitedFor}; repeat the request to wait again",
        ErrorFact.Of("file_path", filePath));

    /// <summary>A command about a disk that is not in service now.</summary>
    /// <param name="targetName">The target.</param>
    /// <param name="lunId">LUN id.</param>
    /// <param name="reason">Why it is not.</param>
    public static ControlError LunNotReady(string targetName, long lunId, string reason) => new(
        ErrorCodes.LunNotReady,
        $"LUN {lunId} of {Quote(targetName)} is not ready: {reason}",
        ErrorFact.Of("target_name", Shorten(targetName)),
        ErrorFact.Of("lun_id", lunId));

    // Images.

    /// <param name="diskPath">The path as given.</param>
    /// <param name="fault">Why it cannot be used, as the end of a sentence ("it ...").</param>
    public static ControlError InvalidDiskPath(string diskPath, string fault) => new(
        ErrorCodes.InvalidDiskPath, $"{Quote(diskPath)} cannot be attached: {fault}", ErrorFact.Of("disk_path", Shorten(diskPath)));

    public static ControlError DiskNotFound(string diskPath) => new(
        ErrorCodes.DiskNotFound, $"there is no disk {Quote(diskPath)}", ErrorFact.Of("disk_path", Shorten(diskPath)));

    /// <param name="diskPath">The image.</param>
    /// <param name="holder">Who has it: a logical unit, an overlay, another process.</param>
    public static ControlError DiskInUse(string diskPath, string holder) => new(
        ErrorCodes.DiskInUse,
        $"{Quote(diskPath)} is in use by {holder}",
        ErrorFact.Of("disk_path", Shorten(diskPath)),
        ErrorFact.Of("holder", Shorten(holder)));

    public static ControlError DiskUnsupported(string diskPath, string reason) => new(
        ErrorCodes.DiskUnsupported, $"{Quote(diskPath)} is not supported: {reason}", ErrorFact.Of("disk_path", Shorten(diskPath)));

    public static ControlError DiskPending(string diskPath, string reason) => new(
        ErrorCodes.DiskPending, $"{Quote(diskPath)} lacks completed writes: {reason}", ErrorFact.Of("disk_path", Shorten(diskPath)));

    public static ControlError DiskCorrupt(string diskPath, string reason) => new(
        ErrorCodes.DiskCorrupt, $"{Quote(diskPath)} is damaged: {reason}", ErrorFact.Of("disk_path", Shorten(diskPath)));

    public static ControlError DiskIo(string diskPath, string reason) => new(
        ErrorCodes.DiskIo, $"{Quote(diskPath)} cannot be read or written: {reason}", ErrorFact.Of("disk_path", Shorten(diskPath)));

    /// <param name="diskPath">The image.</param>
    /// <param name="reason">What found no space.</param>
    public static ControlError DiskFull(string diskPath, string reason) => new(
        ErrorCodes.DiskFull, $"there is no space for {Quote(diskPath)}: {reason}", ErrorFact.Of("disk_path", Shorten(diskPath)));

    public static ControlError DiskReadOnly(string diskPath, string reason) => new(
        ErrorCodes.DiskReadOnly, $"{Quote(diskPath)} is write protected: {reason}", ErrorFact.Of("disk_path", Shorten(diskPath)));

    /// <param name="size">As given, in bytes.</param>
    public static ControlError InvalidPhysicalBlockSize(long size) => new(
        ErrorCodes.InvalidPhysicalBlockSize, $"physical_block_size must be 512 or 4096, not {size}", ErrorFact.Of("physical_block_size", size));

    /// <param name="size">The size as given, in bytes.</param>
    /// <param name="fault">What is wrong with it, as a sentence.</param>
    public static ControlError InvalidSize(long size, string fault) => new(
        ErrorCodes.InvalidSize, $"{size} is no size of a disk: {fault}", ErrorFact.Of("size", size));

    /// <param name="fault">What is wrong, as a sentence; names, never secrets.</param>
    public static ControlError InvalidAccess(string fault) => new(ErrorCodes.InvalidAccess, $"these access rules cannot be: {fault}");

    /// <param name="diskPath">The image.</param>
    /// <param name="reason">The sizes.</param>
    public static ControlError CannotShrink(string diskPath, string reason) => new(
        ErrorCodes.CannotShrink, $"{Quote(diskPath)} cannot be made smaller: {reason}", ErrorFact.Of("disk_path", Shorten(diskPath)));

    public static ControlError DiskTooLarge(string diskPath, string reason) => new(
        ErrorCodes.DiskTooLarge, $"{Quote(diskPath)} cannot become so large: {reason}", ErrorFact.Of("disk_path", Shorten(diskPath)));

    // The daemon.

    /// <param name="limit">Name of the limit, as in the configuration.</param>
    /// <param name="maximum">Its value.</param>
    public static ControlError LimitExceeded(string limit, long maximum) => new(
        ErrorCodes.LimitExceeded,
        $"the limit {limit} of {maximum} is reached",
        ErrorFact.Of("limit_name", limit),
        ErrorFact.Of("limit", maximum));

    /// <param name="waitedFor">What the command waited for, as a noun.</param>
    /// <param name="waited">How long.</param>
    public static ControlError DeadlineExceeded(string waitedFor, TimeSpan waited) => new(
        ErrorCodes.DeadlineExceeded,
        $"no progress for {waited.TotalSeconds:0} s while waiting for {waitedFor}",
        ErrorFact.Of("waited_for", waitedFor));

    public static ControlError StateNotSaved(string reason) => new(
        ErrorCodes.StateNotSaved, $"the change could not be saved in the state file: {reason}");

    public static ControlError ShuttingDown() => new(ErrorCodes.ShuttingDown, "the daemon is shutting down");

    /// <summary>A bug of ours, or a fault that has no better name.</summary>
    public static ControlError Internal(string reason) => new(ErrorCodes.Internal, $"internal error: {reason}");

    internal static string Quote(string value) => $"'{Shorten(value)}'";

    /// <summary>Nobody's megabyte is sent back.</summary>
    private static string Shorten(string value)
    {
        const int longest = 1024;
        if (value.Length <= longest)
            return value;
        return string.Concat(value.AsSpan(0, char.IsHighSurrogate(value[longest - 1]) ? longest - 1 : longest), "…");
    }
}

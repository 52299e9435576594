namespace Qcow2Target.Actors.Targets;

/// <summary>The refusals that targets and their manager give.</summary>
internal static class Refusals
{
    public static readonly CommandRefused TooManyTargets = new(RefusalReason.TooManyTargets, nameof(ActorLimits.Targets));

    public static readonly CommandRefused TooManyLogicalUnits = new(RefusalReason.TooManyLogicalUnits, nameof(ActorLimits.LunsOfTarget));

    public static readonly CommandRefused ShuttingDown = new(RefusalReason.ShuttingDown, "");

    public static CommandRefused TargetDoesNotExist(TargetName target) => new(RefusalReason.TargetDoesNotExist, target.Shown);

    public static CommandRefused TargetAlreadyExists(TargetName target) => new(RefusalReason.TargetAlreadyExists, target.Shown);

    public static CommandRefused LogicalUnitNotFound(TargetName target) => new(RefusalReason.LogicalUnitNotFound, target.Shown);

    public static CommandRefused LogicalUnitExists(TargetName target) => new(RefusalReason.LogicalUnitExists, target.Shown);

    public static CommandRefused LogicalUnitNotReady(TargetName target, string reason) => new(RefusalReason.LogicalUnitNotReady, target.Shown, reason);

    public static CommandRefused CannotShrink(string path, long bytes, long wanted) =>
        new(RefusalReason.DiskCannotShrink, path, $"it has {bytes} bytes, {wanted} are asked for");

    /// <param name="holder">Another disk, in words.</param>
    public static CommandRefused SerialNumberInUse(string serialNumber, string holder) => new(RefusalReason.SerialNumberInUse, serialNumber, holder);

    /// <summary>CLEARTARGET while initiators are connected.</summary>
    public static CommandRefused HasActiveConnection(TargetName target) => new(RefusalReason.TargetHasActiveConnection, target.Shown);

    /// <summary>DELETETARGET while initiators are connected.</summary>
    public static CommandRefused HasActiveConnections(TargetName target) => new(RefusalReason.TargetHasActiveConnections, target.Shown);

    public static CommandRefused HasLogicalUnits(TargetName target) => new(RefusalReason.TargetHasLogicalUnits, target.Shown);

    public static CommandRefused StateNotSaved(string reason) => new(RefusalReason.StateNotSaved, "", reason);

    /// <param name="waitedFor">A noun: what did not come in time.</param>
    public static CommandRefused Deadline(string waitedFor) => new(RefusalReason.Deadline, waitedFor);

    public static CommandRefused Detaching(IEnumerable<string> paths) => new(RefusalReason.Detaching, string.Join(", ", paths));

    public static CommandRefused InternalFault(string explanation) => new(RefusalReason.InternalFault, "", explanation);
}

namespace Qcow2Target.Scsi;

/// <summary>What a command still needs after its CDB was judged.</summary>
public enum PlanKind
{
    /// <summary>Nothing: <see cref="CommandPlan.Outcome"/> is the answer.</summary>
    Complete,

    /// <summary>Data-in straight from the disk, in pieces of any size and order: <see cref="CommandPlan.TryRead"/>, <see cref="CommandPlan.ReadAsync"/>.</summary>
    Read,

    /// <summary>
    /// Data-out that is taken as it comes, in pieces of any size and order (<see cref="CommandPlan.TryWrite"/>,
    /// <see cref="CommandPlan.WriteAsync"/>); after the last piece <see cref="CommandPlan.FinishAsync"/>.
    /// </summary>
    Write,

    /// <summary>Data-out that must be whole before anything happens: collect up to <see cref="CommandPlan.Length"/> bytes, then <see cref="CommandPlan.ExecuteAsync"/>.</summary>
    Parameters,

    /// <summary>No data-out, but work that waits for the disk: <see cref="CommandPlan.ExecuteAsync"/>.</summary>
    Execute,
}

using Qcow2Target.Iscsi.Sessions;
using Qcow2Target.Scsi;

namespace Qcow2Target.Actors.Sessions;

/// <summary>What hangs on a task while a logical unit works on it. Used again for later commands.</summary>
internal sealed class CommandState
{
    public CommandPlan Plan { get; set; }

    /// <summary>Only while slow work runs that can be ended between two pieces.</summary>
    public CancellationTokenSource? Cancellation { get; set; }

    public ScsiTask? Task { get; set; }
}

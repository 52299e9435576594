using System.CommandLine;
using Qcow2Target.Control.Replies;
using Qcow2Target.Control.Requests;

namespace Qcow2Target.Admin.Commands;

/// <summary><c>deletetarget</c>: prints nothing.</summary>
internal static class DeleteTargetCommand
{
    public static Command Create(RequestRunner runner)
    {
        Option<string> targetName = AdminOptions.TargetName();
        Option<bool> force = AdminOptions.Force();
        var command = new Command("deletetarget", "Delete a target that has no LUNs and no connected initiators.") { targetName, force };
        command.SetAction((parsed, cancellationToken) => runner.RunAsync<EmptyReply>(
            parsed,
            new DeleteTargetRequest(
                parsed.GetRequiredValue(targetName),
                parsed.GetValue(force) ? SessionPolicy.EndSessions : SessionPolicy.RefuseIfConnected),
            (_, _) => { },
            cancellationToken));
        return command;
    }
}

using System.CommandLine;
using Qcow2Target.Control.Replies;
using Qcow2Target.Control.Requests;

namespace Qcow2Target.Admin.Commands;

/// <summary><c>setaccess</c>: prints nothing.</summary>
internal static class SetAccessCommand
{
    public static Command Create(RequestRunner runner)
    {
        Option<string> targetName = AdminOptions.TargetName();
        var access = new AccessOptions();
        var command = new Command("setaccess", "Change who may use a target, from the next login on; what is not named stays.") { targetName };
        access.AddTo(command);
        command.SetAction((parsed, cancellationToken) => runner.RunAsync<EmptyReply>(
            parsed,
            new SetAccessRequest(parsed.GetRequiredValue(targetName), access.Read(parsed)),
            (_, _) => { },
            cancellationToken));
        return command;
    }
}

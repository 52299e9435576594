using System.CommandLine;
using Qcow2Target.Control.Replies;
using Qcow2Target.Control.Requests;

namespace Qcow2Target.Admin.Commands;

/// <summary><c>addtarget</c>: prints nothing.</summary>
internal static class AddTargetCommand
{
    public static Command Create(RequestRunner runner)
    {
        Option<string> targetName = AdminOptions.TargetName();
        var access = new AccessOptions();
        var command = new Command("addtarget", "Add a target; there must be none of that name.") { targetName };
        access.AddTo(command);
        command.SetAction((parsed, cancellationToken) => runner.RunAsync<EmptyReply>(
            parsed,
            new AddTargetRequest(parsed.GetRequiredValue(targetName), access.Read(parsed).NullIfNothingIsSaid()),
            (_, _) => { },
            cancellationToken));
        return command;
    }
}

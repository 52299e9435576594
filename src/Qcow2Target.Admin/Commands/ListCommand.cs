using System.CommandLine;
using Qcow2Target.Control.Replies;
using Qcow2Target.Control.Requests;

namespace Qcow2Target.Admin.Commands;

/// <summary><c>list</c>: prints a table for people; programs take <c>--json</c>.</summary>
internal static class ListCommand
{
    public static Command Create(RequestRunner runner)
    {
        Option<string> targetName = AdminOptions.TargetName();
        targetName.Required = false;
        targetName.Description = "Only this target, with details.";
        var details = new Option<bool>("--details") { Description = "Show size, serial number, backing files and faults of the disks." };
        var command = new Command("list", "List targets, their disks and connected initiators.") { targetName, details };
        command.SetAction((parsed, cancellationToken) =>
        {
            string? name = parsed.GetValue(targetName);
            ListDetail detail = parsed.GetValue(details) || name is not null ? ListDetail.Full : ListDetail.Contract;
            return runner.RunAsync<ListReply>(parsed, new ListRequest(name, detail), TargetTable.Print, cancellationToken);
        });
        return command;
    }
}

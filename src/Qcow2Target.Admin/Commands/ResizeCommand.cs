using System.CommandLine;
using Qcow2Target.Control.Replies;
using Qcow2Target.Control.Requests;

namespace Qcow2Target.Admin.Commands;

/// <summary><c>resize</c>: prints the disk's size in bytes.</summary>
internal static class ResizeCommand
{
    public static Command Create(RequestRunner runner)
    {
        Option<string> targetName = AdminOptions.TargetName();
        Option<long?> lunId = AdminOptions.LunId("LUN id of the disk, as attach printed it and list shows it.");
        lunId.Required = true;
        var size = new Option<long>("--size", "-s")
        {
            Description = "The new size: bytes, or with k, M, G, T, P or KiB, MiB, ... (powers of 1024) or kB, MB, ... (powers of 1000).",
            HelpName = "SIZE",
            Required = true,
            CustomParser = DiskSize.Parse,
        };
        var command = new Command("resize", "Make a disk larger while it is in use and print its size.") { targetName, lunId, size };
        command.SetAction((parsed, cancellationToken) => runner.RunAsync<ResizeReply>(
            parsed,
            new ResizeRequest(parsed.GetRequiredValue(targetName), parsed.GetRequiredValue(lunId)!.Value, parsed.GetRequiredValue(size)),
            (output, reply) => output.WriteLine(reply.Size),
            cancellationToken));
        return command;
    }
}

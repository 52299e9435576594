using System.CommandLine;
using Qcow2Target.Control.Replies;
using Qcow2Target.Control.Requests;

namespace Qcow2Target.Admin.Commands;

/// <summary><c>detachlun</c>: prints the path of the disk that is free now.</summary>
internal static class DetachLunCommand
{
    public static Command Create(RequestRunner runner)
    {
        Option<string> targetName = AdminOptions.TargetName();
        Option<long?> lunId = AdminOptions.LunId("LUN id of the disk, as attach printed it and list shows it.");
        lunId.Required = true;
        Option<bool> noFlush = AdminOptions.NoFlush();
        var command = new Command("detachlun", "Detach a disk from a target and print the disk's path.") { targetName, lunId, noFlush };
        command.SetAction((parsed, cancellationToken) => runner.RunAsync<DetachLunReply>(
            parsed,
            new DetachLunRequest(
                parsed.GetRequiredValue(targetName),
                parsed.GetRequiredValue(lunId)!.Value,
                parsed.GetValue(noFlush) ? FlushPolicy.Drop : FlushPolicy.Flush),
            (output, reply) => output.WriteLine(reply.FilePath),
            cancellationToken));
        return command;
    }
}

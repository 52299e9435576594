using System.CommandLine;
using Qcow2Target.Control.Replies;
using Qcow2Target.Control.Requests;

namespace Qcow2Target.Admin.Commands;

/// <summary><c>cleartarget</c>: prints the paths of the disks that are free now, one a line.</summary>
internal static class ClearTargetCommand
{
    public static Command Create(RequestRunner runner)
    {
        Option<string> targetName = AdminOptions.TargetName();
        Option<bool> force = AdminOptions.Force();
        Option<bool> noFlush = AdminOptions.NoFlush();
        var command = new Command("cleartarget", "Detach all disks of a target and print their paths.") { targetName, force, noFlush };
        command.SetAction((parsed, cancellationToken) => runner.RunAsync<ClearTargetReply>(
            parsed,
            new ClearTargetRequest(
                parsed.GetRequiredValue(targetName),
                parsed.GetValue(force) ? SessionPolicy.EndSessions : SessionPolicy.RefuseIfConnected,
                parsed.GetValue(noFlush) ? FlushPolicy.Drop : FlushPolicy.Flush),
            Print,
            cancellationToken));
        return command;
    }

    private static void Print(TextWriter output, ClearTargetReply reply)
    {
        foreach (string path in reply.FreedPaths)
            output.WriteLine(path);
    }
}

using System.CommandLine;
using Newtonsoft.Json;
using Qcow2Target.Control.Replies;
using Qcow2Target.Control.Requests;
using Qcow2Target.Qcow2.Check;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Admin.Commands;

/// <summary>
/// <c>check</c>: of a file that nobody writes, or of a disk that the daemon serves. Prints what was found; the exit code is 0 where an image is
/// clean or has leaks only, after a repair too.
/// </summary>
internal static class CheckCommand
{
    private const int Shown = 20;

    public static Command Create(RequestRunner runner, TextWriter output, TextWriter error)
    {
        var path = new Argument<string?>("FILE") { Description = "A qcow2 image that nobody has open for writing.", Arity = ArgumentArity.ZeroOrOne };
        Option<string> targetName = AdminOptions.TargetName();
        targetName.Required = false;
        Option<long?> lunId = AdminOptions.LunId("With a target: LUN id of the disk, which may be in use.");
        var repair = new Option<string?>("--repair", "-r") { Description = "Of a file: put leaks right, or all that can be.", HelpName = "leaks|all" };
        repair.AcceptOnlyFromAmong("leaks", "all");
        var command = new Command("check", "Check the metadata of an image: a file, or a disk that is being served.") { path, targetName, lunId, repair };
        command.Validators.Add(result =>
        {
            var (file, target, lun) = (result.GetValue(path), result.GetValue(targetName), result.GetValue(lunId));
            if ((file is null) == (target is null || lun is null) || (file is not null && (target ?? (object?)lun) is not null))
                result.AddError("Name a file, or a target and a LUN id");
            else if (file is null && result.GetValue(repair) is not null)
                result.AddError("A disk that is served is not repaired: detach it first");
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(path) is { } file)
                return OfFile(file, parsed.GetValue(repair), parsed.GetValue(runner.Common.Json), output, error);
            var failed = 0;
            int exitCode = await runner.RunAsync<CheckReply>(
                parsed,
                new CheckDiskRequest(parsed.GetValue(targetName)!, parsed.GetValue(lunId)!.Value),
                (to, reply) => failed = Print(to, reply),
                cancellationToken);
            return exitCode == 0 ? failed : exitCode;
        });
        return command;
    }

    private static int OfFile(string path, string? repair, bool asJson, TextWriter output, TextWriter error)
    {
        try
        {
            string file = Path.GetFullPath(path);
            var files = new RootedImageFiles([Path.GetDirectoryName(file)!], []);
            using OpenedFile opened = files.Open(file, repair is null ? ImageRole.ActiveReadOnly : ImageRole.ActiveReadWrite);
            if (repair is not null)
            {
                RepairReport done = ImageRepair.Run(opened.File, repair == "leaks" ? RepairScope.Leaks : RepairScope.All);
                if (!asJson)
                    output.WriteLine($"repaired: {done.CountsRaised} counts raised, {done.CountsLowered} lowered, {done.EntriesChanged} entries changed{(done.HasNewRefcounts ? ", refcounts made anew" : "")}");
            }

            CheckReply reply = ReplyOf(ImageChecker.Check(opened.File));
            if (!asJson)
                return Print(output, reply);
            output.WriteLine(JsonConvert.SerializeObject(new { error = "", result = new { outcome = reply.Outcome, errors = reply.Errors, leaks = reply.Leaks, findings = reply.Findings } }));
            return ExitCode(reply);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or Qcow2FormatException or BlockFileException)
        {
            error.WriteLine($"{AdminProgram.Name}: cannot check {path}: {fault.Message}");
            return 1;
        }
    }

    private static CheckReply ReplyOf(CheckReport report) =>
        new(report.Verdict, report.Errors, report.Leaks, report.Describe(CheckReply.MaxFindings));

    private static int Print(TextWriter output, CheckReply reply)
    {
        output.WriteLine(reply.Outcome switch
        {
            "clean" => "clean",
            "leaks" => $"{reply.Leaks} leaked clusters, nothing else: they cost space, no data",
            "corrupt" => $"corrupt: {reply.Errors} errors, {reply.Leaks} leaked clusters",
            _ => "could not be checked",
        });
        foreach (string finding in reply.Findings.Take(Shown))
            output.WriteLine($"  {finding}");
        if (reply.Findings.Count > Shown)
            output.WriteLine("  ...");
        return ExitCode(reply);
    }

    private static int ExitCode(CheckReply reply) => reply.Outcome is "clean" or "leaks" ? 0 : 1;
}

using System.CommandLine;
using System.CommandLine.Parsing;
using Qcow2Target.Admin.Commands;

namespace Qcow2Target.Admin;

/// <summary>
/// <c>qcow2targetadmin</c>: one verb, one request to the daemon. Results go to the standard output in a form that scripts can use, errors as
/// one line to the standard error; the exit code is 0 or 1.
/// </summary>
public static class AdminProgram
{
    public const string Name = "qcow2targetadmin";

    /// <param name="args">The arguments, without the program's name.</param>
    /// <param name="output">Where results and help go.</param>
    /// <param name="error">Where errors go.</param>
    /// <param name="cancellationToken">Ends waiting for the daemon; Ctrl-C does too.</param>
    /// <returns>The exit code: 0 if all went well, else 1.</returns>
    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter error, CancellationToken cancellationToken = default)
    {
        RootCommand root = CreateRoot(new RequestRunner(output, error), output, error);
        // No response files: a disk may be called @home.
        ParseResult parsed = root.Parse(args is ["help"] ? ["--help"] : args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            await error.WriteLineAsync(Describe(parsed));
            return 1;
        }

        return await parsed.InvokeAsync(new InvocationConfiguration { Output = output, Error = error }, cancellationToken);
    }

    private static RootCommand CreateRoot(RequestRunner runner, TextWriter output, TextWriter error) => new("Tells a running qcow2target daemon which disks to share over iSCSI.")
    {
        HelpName = Name,
        Options = { runner.Common.Socket, runner.Common.Json, runner.Common.Timeout },
        Subcommands =
        {
            AddTargetCommand.Create(runner),
            DeleteTargetCommand.Create(runner),
            AttachCommand.Create(runner),
            DetachLunCommand.Create(runner),
            ClearTargetCommand.Create(runner),
            ListCommand.Create(runner),
            ResizeCommand.Create(runner),
            SetAccessCommand.Create(runner),
            CheckCommand.Create(runner, output, error),
            CreateCommand.Create(runner.Common, output, error),
        },
    };

    private static string Describe(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        if (command is RootCommand)
        {
            string verbs = string.Join(", ", command.Subcommands.Select(verb => verb.Name));
            string fault = parsed.UnmatchedTokens is [var unknown, ..] ? $"there is no '{unknown}'" : "say what to do";
            return $"{Name}: {fault}: {verbs}; see {Name} --help";
        }

        // An error about something that does not belong here is the cause of the others.
        ParseError error = parsed.Errors.FirstOrDefault(error => error.SymbolResult is CommandResult && parsed.UnmatchedTokens.Count > 0) ?? parsed.Errors[0];
        return $"{Name}: {error.Message.TrimEnd('.')}; see {Name} {command.Name} --help";
    }
}

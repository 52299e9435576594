using System.CommandLine;
using System.CommandLine.Parsing;
using Qcow2Target.Control.Requests;

namespace Qcow2Target.Admin;

/// <summary>The options that say who may use a target. Secrets come from files, because a command line can be read by everybody on the host.</summary>
internal sealed class AccessOptions
{
    private const string FileForm = "a file of lines NAME SECRET";

    private readonly Option<IReadOnlyList<ChapUser>?> _chap = Users("--chap-file", $"CHAP users, one of whom an initiator must prove to be: {FileForm}. An empty one asks for no CHAP.");
    private readonly Option<IReadOnlyList<ChapUser>?> _mutual = Users("--mutual-chap-file", $"What the target proves to be to an initiator that asks: {FileForm}, with one line or none.");
    private readonly Option<string[]> _initiators = Names("--initiator", "NAME", "Name of an initiator that may come in; * stands for any characters. '' lets all in.");
    private readonly Option<string[]> _networks = Names("--network", "CIDR", "Network that initiators may come from, as 192.0.2.0/24. '' lets all in.");

    public void AddTo(Command command)
    {
        command.Options.Add(_chap);
        command.Options.Add(_mutual);
        command.Options.Add(_initiators);
        command.Options.Add(_networks);
    }

    /// <summary>What was given; a condition of which nothing was said is null.</summary>
    public AccessConditions Read(ParseResult parsed) => new(
        parsed.GetValue(_chap), parsed.GetValue(_mutual), ListOf(parsed.GetValue(_initiators)), ListOf(parsed.GetValue(_networks)));

    // '' alone is the empty list.
    private static string[]? ListOf(string[]? given) => given is null or [] ? null : [.. given.Where(item => item.Length > 0)];

    private static Option<string[]> Names(string name, string form, string description) => new(name)
    {
        Description = $"{description} Repeatable.",
        HelpName = form,
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    private static Option<IReadOnlyList<ChapUser>?> Users(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "FILE",
        CustomParser = ParseUsers,
    };

    private static List<ChapUser>? ParseUsers(ArgumentResult argument)
    {
        string path = argument.Tokens[0].Value;
        try
        {
            var users = new List<ChapUser>();
            foreach (string line in File.ReadLines(path).Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] != '#'))
            {
                string[] parts = line.Split((char[])[' ', '\t'], 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
                if (parts.Length == 2)
                {
                    users.Add(new ChapUser(parts[0], parts[1]));
                    continue;
                }

                argument.AddError($"Line {users.Count + 1} of '{path}' is not NAME SECRET");
                return null;
            }

            return users;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            argument.AddError($"Cannot read '{path}': {unreadable.Message}");
            return null;
        }
    }
}

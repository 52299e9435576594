using System.CommandLine;

namespace Qcow2Target.Server.Options;

/// <summary>The command line of the daemon.</summary>
public static class ServerCommandLine
{
    private const string Name = "qcow2target";

    private static readonly string Description =
        $"""
         Shares qcow2 disks over iSCSI. Which disk is shared under which name is told to the running daemon by qcow2targetadmin.

         Each option with a value is also a setting in the configuration file; the option wins. Try it:
           {Name} --demo
         """;

    /// <summary>Reads <paramref name="args"/> and the configuration file.</summary>
    /// <param name="args">The arguments, without the program's name.</param>
    /// <param name="environment">What they are judged against; null for this process.</param>
    public static CommandLineOutcome Parse(IReadOnlyList<string> args, StartEnvironment? environment = null)
    {
        environment ??= StartEnvironment.OfProcess();
        var options = new OptionSet();
        // No response files: a directory may be called @disks.
        ParseResult parsed = options.Root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
            return new OptionsRefused([.. parsed.Errors.Select(error => error.Message.TrimEnd('.')).Distinct()]);
        if (parsed.Action is not null)
            return new TextRequested(Print(parsed));
        try
        {
            return OptionsBuilder.Build(options.Read(parsed), environment);
        }
        catch (OptionsException unreadable)
        {
            return new OptionsRefused([unreadable.Message]);
        }
    }

    private static string Print(ParseResult parsed)
    {
        using var text = new StringWriter();
        parsed.Invoke(new InvocationConfiguration { Output = text, Error = text });
        return text.ToString();
    }

    /// <summary>The options of one parse: symbols of System.CommandLine belong to one root.</summary>
    private sealed class OptionSet
    {
        private readonly Option<string?> _config = Of("--config", "FILE", "Configuration file. [default: config/akka.hocon beside the program]");
        private readonly Option<string[]> _disksRoots = Repeatable(
            "--disks-root", "DIR", "Directory of disks that may be attached; repeatable, relative paths belong to the first. [default: disks]");

        private readonly Option<string[]> _backingRoots = Repeatable(
            "--backing-root", "DIR", "Directory of disks that may be backing files only; repeatable.");

        private readonly Option<string?> _stateDir = Of("--state-dir", "DIR", "Directory for what survives a restart. [default: state]");
        private readonly Option<string?> _controlSocket = Of(
            "--control-socket", "PATH", "Unix socket for qcow2targetadmin and scripts. [default: /tmp/qcow2target.sock]");

        private readonly Option<string[]> _portals = Repeatable(
            "--portal", "ADDRESS:PORT", "Where to listen for iSCSI; repeatable, IPv6 addresses in brackets. [default: 0.0.0.0:3260 [::]:3260]");

        private readonly Option<string?> _logLevel = Of("--log-level", "LEVEL", $"{string.Join(", ", LogLevelNames.All)}. [default: information]");
        private readonly Option<bool> _demo = new("--demo") { Description = "Share an empty disk of 1 GiB, made if it is missing, and say what to try next." };
        private readonly Option<string?> _share = Of("--share", "FILE", "Share this disk and say what to try next; its directory counts as a disks root.");

        public OptionSet() => Root = new RootCommand(Description)
        {
            HelpName = Name,
            Options = { _config, _disksRoots, _backingRoots, _stateDir, _controlSocket, _portals, _logLevel, _demo, _share },
        };

        public RootCommand Root { get; }

        public CommandLineValues Read(ParseResult parsed) => new(
            parsed.GetValue(_config),
            parsed.GetValue(_disksRoots) ?? [],
            parsed.GetValue(_backingRoots) ?? [],
            parsed.GetValue(_stateDir),
            parsed.GetValue(_controlSocket),
            parsed.GetValue(_portals) ?? [],
            parsed.GetValue(_logLevel),
            parsed.GetValue(_demo),
            parsed.GetValue(_share));

        private static Option<string?> Of(string name, string value, string description) =>
            new(name) { HelpName = value, Description = description };

        private static Option<string[]> Repeatable(string name, string value, string description) =>
            new(name) { HelpName = value, Description = description, Arity = ArgumentArity.OneOrMore };
    }
}

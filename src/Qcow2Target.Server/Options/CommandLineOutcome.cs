namespace Qcow2Target.Server.Options;

/// <summary>What the command line came to: one of the three records here.</summary>
public abstract record CommandLineOutcome
{
    private protected CommandLineOutcome()
    {
    }
}

/// <summary>The daemon is to run.</summary>
public sealed record OptionsAccepted(ServerOptions Options) : CommandLineOutcome;

/// <summary>It cannot: print the errors to the standard error and exit with <see cref="ExitCode"/>.</summary>
/// <param name="Errors">One line each, at least one; each names the option or key, its value and its file.</param>
public sealed record OptionsRefused(IReadOnlyList<string> Errors) : CommandLineOutcome
{
    public const int ExitCode = 2;
}

/// <summary>Help or version was asked for: print it to the standard output and exit with 0.</summary>
public sealed record TextRequested(string Text) : CommandLineOutcome;

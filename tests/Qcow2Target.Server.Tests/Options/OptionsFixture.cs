using Qcow2Target.Server.Options;
using Qcow2Target.Testing;

namespace Qcow2Target.Server.Tests.Options;

/// <summary>A working directory and a default configuration file for one test; the file is not there until it is written.</summary>
public sealed class OptionsFixture : IDisposable
{
    private readonly TempDirectory _directory = new();

    public string WorkingDirectory => _directory.Path;

    public string DefaultConfigFile => _directory["akka.hocon"];

    public string this[string name] => _directory[name];

    public string Subdirectory(string name) => _directory.Subdirectory(name);

    public string WriteFile(string name, string text) => _directory.File(name, System.Text.Encoding.UTF8.GetBytes(text));

    public CommandLineOutcome Parse(params string[] args) =>
        ServerCommandLine.Parse(args, new StartEnvironment(WorkingDirectory, DefaultConfigFile));

    public ServerOptions Accept(params string[] args)
    {
        CommandLineOutcome outcome = Parse(args);
        return outcome is OptionsAccepted accepted
            ? accepted.Options
            : throw new Xunit.Sdk.XunitException($"not accepted: {(outcome is OptionsRefused refused ? string.Join("; ", refused.Errors) : outcome)}");
    }

    /// <summary>The one error of a command line or file that is refused.</summary>
    public string Refuse(params string[] args) => Assert.Single(RefuseAll(args));

    public IReadOnlyList<string> RefuseAll(params string[] args)
    {
        IReadOnlyList<string> errors = Assert.IsType<OptionsRefused>(Parse(args)).Errors;
        Assert.All(errors, error => Assert.DoesNotContain('\n', error));
        return errors;
    }

    public void Dispose() => _directory.Dispose();
}

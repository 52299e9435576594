namespace Qcow2Target.Server.Options;

/// <summary>What options are judged against besides themselves.</summary>
/// <param name="WorkingDirectory">Where relative paths begin, absolute.</param>
/// <param name="DefaultConfigFile">The file that is read without <c>--config</c>, if it is there.</param>
public sealed record StartEnvironment(string WorkingDirectory, string DefaultConfigFile)
{
    /// <summary>The one of this process.</summary>
    public static StartEnvironment OfProcess() =>
        new(Environment.CurrentDirectory, Path.Combine(AppContext.BaseDirectory, "config", "akka.hocon"));
}

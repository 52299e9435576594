using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Qcow2Target.Control.Client;

namespace Qcow2Target.Admin;

/// <summary>The options that every verb takes, before or behind it.</summary>
internal sealed class CommonOptions
{
    public Option<string> Socket { get; } = new("--socket")
    {
        Description = "Socket that the daemon listens on.",
        HelpName = "PATH",
        DefaultValueFactory = _ => ControlClient.DefaultSocketPath,
        Recursive = true,
    };

    public Option<bool> Json { get; } = new("--json")
    {
        Description = "Print the daemon's reply as it came.",
        Recursive = true,
    };

    public Option<double> Timeout { get; } = new("--timeout")
    {
        Description = "Longest time to wait for the daemon.",
        HelpName = "SECONDS",
        DefaultValueFactory = _ => ControlClient.DefaultTimeLimit.TotalSeconds,
        CustomParser = ParseSeconds,
        Recursive = true,
    };

    private static double ParseSeconds(ArgumentResult argument)
    {
        string text = argument.Tokens[0].Value;
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds) && seconds is > 0 and <= 86400)
            return seconds;
        argument.AddError($"A timeout is a number of seconds up to 86400, not '{text}'");
        return default;
    }
}

using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Qcow2Target.Admin;

/// <summary>
/// The options of verbs, a new one for each command. The spellings with underscores are those of scripts in use, the ones with hyphens are aliases; each option takes
/// its value behind a space or behind <c>=</c>.
/// </summary>
internal static class AdminOptions
{
    public static Option<string> TargetName() => new("--target_name", "-t", "--target-name")
    {
        Description = "Name of the iSCSI target, as in iqn.2018-05.com.example:board1.",
        HelpName = "NAME",
        Required = true,
    };

    public static Option<string> DiskPath() => new("--disk_path", "-d", "--disk-path")
    {
        Description = "Path of the qcow2 disk: relative to the daemon's disks root, or absolute and inside one.",
        HelpName = "PATH",
        Required = true,
    };

    /// <param name="description">What the LUN id is for.</param>
    public static Option<long?> LunId(string description) => new("--lun_id", "-l", "--lun-id")
    {
        Description = description,
        HelpName = "NUMBER",
        CustomParser = ParseInteger,
    };

    public static Option<bool> Force() => new("--force")
    {
        Description = "End the sessions of connected initiators first.",
    };

    public static Option<bool> NoFlush() => new("--no-flush")
    {
        Description = "Drop what is not on disk yet: for a disk that is deleted next.",
    };

    private static long? ParseInteger(ArgumentResult argument)
    {
        string text = argument.Tokens[0].Value;
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number))
            return number;
        argument.AddError($"A LUN id is an integer, not '{text}'");
        return null;
    }
}

using System.Globalization;
using Qcow2Target.Control.Replies;
using Qcow2Target.Control.Requests;
using Spectre.Console;

namespace Qcow2Target.Admin;

/// <summary>The table of <c>list</c>: a row for each LUN; a target without LUNs has one row.</summary>
internal static class TargetTable
{
    /// <summary>Wide enough that a table in a file or a pipe is never wrapped.</summary>
    private const int UnboundedWidth = 10_000;

    private const string Nothing = "-";

    public static void Print(TextWriter output, ListReply reply)
    {
        if (reply.Targets.Count == 0)
        {
            output.WriteLine($"No targets yet: add one with '{AdminProgram.Name} addtarget -t NAME'.");
            return;
        }

        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        if (output != Console.Out || Console.IsOutputRedirected)
            console.Profile.Width = UnboundedWidth;
        console.Write(Build(reply));
    }

    private static Table Build(ListReply reply)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumns("Target", "LUN", "State", "Disk", "Initiators");
        bool full = reply.Detail == ListDetail.Full;
        if (full)
            table.AddColumns("Size", "Serial", "Backing files");
        foreach (TargetListing target in reply.Targets)
        {
            bool first = true;
            foreach (LunListing? lun in target.LogicalUnits.DefaultIfEmpty<LunListing?>(null))
            {
                table.AddRow(Cells(target, lun, first, full).Select(cell => new Text(cell)));
                first = false;
            }
        }

        return table;
    }

    private static IEnumerable<string> Cells(TargetListing target, LunListing? lun, bool first, bool full)
    {
        yield return first ? target.Name : "";
        yield return lun is null ? Nothing : lun.LunId.ToString(CultureInfo.InvariantCulture);
        yield return lun is null ? Nothing : StateOf(lun);
        yield return lun is null ? Nothing : lun.FilePath;
        yield return first ? OnePerLine(target.ItNexuses.Select(nexus => InitiatorOf(nexus) + (target.Unresponsive?.Contains(nexus) == true ? " (unresponsive)" : ""))) : "";
        if (!full)
            yield break;
        yield return lun?.Details?.SizeBytes is { } size ? SizeOf(size) : Nothing;
        yield return lun?.Details?.Serial ?? Nothing;
        yield return OnePerLine(lun?.Details?.BackingPaths ?? []);
    }

    private static string StateOf(LunListing lun) =>
        lun.Details?.StateReason is { } reason ? $"{LunStateNames.Of(lun.State)}: {reason}" : LunStateNames.Of(lun.State);

    private static string OnePerLine(IEnumerable<string> values)
    {
        string lines = string.Join('\n', values);
        return lines.Length == 0 ? Nothing : lines;
    }

    /// <summary>A nexus is <c>&lt;initiator&gt;,i,0x...</c>; an initiator's own name may hold commas, so the last mark counts.</summary>
    private static string InitiatorOf(string nexus)
    {
        int end = nexus.LastIndexOf(",i,0x", StringComparison.Ordinal);
        return end < 0 ? nexus : nexus[..end];
    }

    private static string SizeOf(long bytes)
    {
        ReadOnlySpan<string> units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        double value = bytes;
        int unit = 0;
        for (; value >= 1024 && unit < units.Length - 1; unit++)
            value /= 1024;
        return string.Create(CultureInfo.InvariantCulture, $"{value:0.##} {units[unit]}");
    }
}

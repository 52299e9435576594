using Qcow2Target.Qcow2.Check;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Check;

/// <summary>The one list of differences between our checker and <c>qemu-img check</c>: what QEMU cannot see, and where one of the two opens what the other does not.</summary>
internal static class QemuBlindness
{
    private const int MaxClusterBytes = 2 << 20;

    private static readonly (string Name, Func<CheckReport, CheckVerdict, string, byte[], bool> Applies)[] Differences =
    [
        ("QEMU does not look at counts behind the end of the file", (ours, theirs, _, image) =>
            theirs == CheckVerdict.Clean && ours.Outcome == CheckOutcome.Leaks && ours.Findings.All(finding => finding.Offset >= image.Length)),
        ("QEMU does not judge bit 0 of an L2 entry where the form of the image has no zero flag there: version 2, extended entries", (ours, theirs, _, image) =>
            theirs is CheckVerdict.Clean or CheckVerdict.LeaksOnly && (image[7] == 2 || (image[79] & 0x10) != 0)
            && ours.Findings.All(finding => finding.Kind == CheckFindingKind.Leak || (finding.Kind == CheckFindingKind.ImpossibleEntry && (finding.Value & 0x3f000000000001ff) == 1))),
        ("QEMU lets a structure begin behind the end of the file, if by less than a cluster", (ours, theirs, _, image) =>
            theirs is CheckVerdict.Clean or CheckVerdict.LeaksOnly
            && ours.Findings.All(finding => finding.Kind == CheckFindingKind.BeyondEnd || (finding.Kind == CheckFindingKind.Leak && finding.Offset >= image.Length - MaxClusterBytes))),
        ("QEMU only counts: two structures in one cluster that is counted often enough are nothing to it", (ours, theirs, _, _) =>
            theirs is CheckVerdict.Clean or CheckVerdict.LeaksOnly && ours.Errors > 0 && ours.Errors == ours[CheckFindingKind.Overlap]),
        ("a table that lies in the header, or is none, is refused here; QEMU reads it there", (ours, _, _, _) =>
            ours.Obstacle is { } obstacle && (obstacle.Contains("lies in the header", StringComparison.Ordinal) || obstacle.Contains("refcount table of 0 clusters", StringComparison.Ordinal))),
        ("a backing file name that begins within the header's fields is refused here, also where it is empty", (ours, _, _, _) =>
            ours.Obstacle?.Contains("backing file name lies outside the header cluster", StringComparison.Ordinal) == true),
        ("QEMU checks the place of a snapshot table although there are no snapshots", (ours, _, said, _) =>
            ours.Obstacle is null && said.Contains("snapshot table offset invalid", StringComparison.Ordinal)),
        ("QEMU does not open an image that calls its data file raw and has none", (ours, _, said, _) =>
            ours.Obstacle is null && said.Contains("data-file-raw requires a data file", StringComparison.Ordinal)),
        ("QEMU reads the bitmaps when it opens an image, and wants them to fit the disk", (ours, _, said, _) =>
            ours.Obstacle is null && said.Contains("bitmap", StringComparison.OrdinalIgnoreCase) && said.Contains("Could not open", StringComparison.Ordinal)),
        ("QEMU gives up where the offsets of an image make it ask for too much memory", (_, theirs, said, _) =>
            theirs == CheckVerdict.NotChecked && said.Contains("Cannot allocate memory", StringComparison.Ordinal)),
    ];

    /// <summary>The name of the difference, or null: there is no excuse.</summary>
    internal static string? Explains(CheckReport ours, CheckVerdict theirs, string said, byte[] image)
    {
        foreach (var (name, applies) in Differences)
            if (applies(ours, theirs, said, image)) return name;
        return null;
    }
}

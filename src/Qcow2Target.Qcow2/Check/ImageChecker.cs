using System.Collections.ObjectModel;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Check;

/// <summary>Says of an image what <c>qemu-img check</c> says of it. Reads its metadata once and changes nothing.</summary>
public static class ImageChecker
{
    /// <summary>Checks an image that nobody writes meanwhile. Never throws for what the image holds.</summary>
    /// <exception cref="BlockFileException">The file could not be read.</exception>
    public static CheckReport Check(IBlockFile file) => Check(file, ReadOnlySet<long>.Empty);

    /// <summary>The same for an image whose writer holds still: what it keeps <paramref name="reserved"/> for writes to come is no leak.</summary>
    internal static CheckReport Check(IBlockFile file, IReadOnlySet<long> reserved)
    {
        try
        {
            var header = ImageHeader.ReadFrom(file);
            var geometry = ClusterGeometry.Of(header);
            var report = new CheckReport();
            Walk(file, header, finding =>
            {
                if (finding.Kind != CheckFindingKind.Leak || !reserved.Contains(finding.Offset >> geometry.ClusterBits)) report.Add(finding);
            });
            return report;
        }
        catch (Qcow2FormatException exception)
        {
            return new CheckReport(exception.Message);
        }
    }

    /// <exception cref="Qcow2FormatException">It cannot be checked.</exception>
    internal static (ReferenceWalk Walk, CheckReport Report) Walk(IBlockFile file, ImageHeader header)
    {
        var report = new CheckReport();
        return (Walk(file, header, report.Add), report);
    }

    private static ReferenceWalk Walk(IBlockFile file, ImageHeader header, Action<CheckFinding> found)
    {
        ImageSupport.RequireKnown(header);
        var walk = new ReferenceWalk(header, ClusterGeometry.Of(header), file, found);
        foreach (var _ in walk.Steps())
        {
        }
        return walk;
    }
}

using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Check;

/// <summary>Says of an image what <c>qemu-img check</c> says of it. Reads its metadata once and changes nothing.</summary>
public static class ImageChecker
{
    /// <summary>Checks an image that nobody writes meanwhile. Never throws for what the image holds.</summary>
    /// <exception cref="BlockFileException">The file could not be read.</exception>
    public static CheckReport Check(IBlockFile file)
    {
        try
        {
            return Walk(file, ImageHeader.ReadFrom(file)).Report;
        }
        catch (Qcow2FormatException exception)
        {
            return new CheckReport(exception.Message);
        }
    }

    /// <exception cref="Qcow2FormatException">It cannot be checked.</exception>
    internal static (ReferenceWalk Walk, CheckReport Report) Walk(IBlockFile file, ImageHeader header)
    {
        ImageSupport.RequireKnown(header);
        var report = new CheckReport();
        var walk = new ReferenceWalk(header, ClusterGeometry.Of(header), file, report.Add);
        foreach (var _ in walk.Steps())
        {
        }
        return (walk, report);
    }
}

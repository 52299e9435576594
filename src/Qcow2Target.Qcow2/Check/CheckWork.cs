using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Check;

/// <summary>Reads the metadata of an image whose writer holds still.</summary>
/// <param name="file">The image's file.</param>
/// <param name="reserved">Host clusters that are counted because the writer keeps them for writes to come.</param>
internal sealed class CheckWork(IBlockFile file, IReadOnlySet<long> reserved) : ImageWork
{
    /// <summary>What was found; null if it could not be read.</summary>
    internal CheckReport? Report { get; private set; }

    private protected override ImageFaultKind Failure => ImageFaultKind.ReadError;

    private protected override void Run() => Report = ImageChecker.Check(file, reserved);
}

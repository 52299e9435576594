using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Image;

/// <summary>Brings the scan of an image that is served already to its end. Changes nothing.</summary>
internal sealed class ScanWork(StructureScan scan) : ImageWork
{
    private protected override ImageFaultKind Failure => ImageFaultKind.ReadError;

    private protected override void Run()
    {
        try
        {
            scan.Advance(Timeout.InfiniteTimeSpan);
        }
        catch (Qcow2FormatException exception)
        {
            throw new ImageFaultException(new ImageFault(ImageFaultKind.ReadOnly, exception.Message, exception));
        }
    }
}

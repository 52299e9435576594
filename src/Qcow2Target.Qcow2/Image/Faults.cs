using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Image;

/// <summary>From exceptions to faults: the one place that says which is which.</summary>
internal static class Faults
{
    internal static ImageFault From(Exception exception, ImageFaultKind otherwise) => exception switch
    {
        ImageFaultException fault => fault.Fault,
        BlockFileException { Error: BlockFileError.NoSpace } => new ImageFault(ImageFaultKind.NoSpace, exception.Message, exception),
        BlockFileException { Error: BlockFileError.ReadOnly } => new ImageFault(ImageFaultKind.ReadOnly, exception.Message, exception),
        _ => new ImageFault(otherwise, exception.Message, exception),
    };

    internal static ImageFaultException Read(string message) => new(new ImageFault(ImageFaultKind.ReadError, message));
}

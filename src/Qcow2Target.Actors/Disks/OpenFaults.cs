using Qcow2Target.Actors.Targets;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Actors.Disks;

/// <summary>From what an image may say to what the client of a command is told: the one place.</summary>
internal static class OpenFaults
{
    public static ImageNotOpened Explain(Exception cause, string path, Func<string, string?> holderOf) =>
        new(ReasonOf(cause, path), path, cause is ImageFileException { Error: ImageFileError.InUse } inUse
            ? holderOf(inUse.Path) ?? holderOf(path) ?? "another process"
            : cause.Message);

    /// <summary>Why an open image did not do what a command asked.</summary>
    public static RefusalReason ReasonOf(ImageFaultKind kind) => kind switch
    {
        ImageFaultKind.NoSpace => RefusalReason.DiskFull,
        ImageFaultKind.ReadOnly => RefusalReason.DiskReadOnly,
        ImageFaultKind.NotSupported => RefusalReason.DiskUnsupported,
        ImageFaultKind.LimitExceeded => RefusalReason.DiskTooLarge,
        ImageFaultKind.Closed => RefusalReason.LogicalUnitNotReady,
        ImageFaultKind.Corrupt => RefusalReason.DiskDamaged,
        _ => RefusalReason.DiskFault,
    };

    private static RefusalReason ReasonOf(Exception cause, string path) => cause switch
    {
        ImageFileException { Error: ImageFileError.InUse } => RefusalReason.DiskInUse,
        // Of a base that is missing the image itself is not: the explanation names the base.
        ImageFileException { Error: ImageFileError.NotFound } missing when missing.Path == path => RefusalReason.DiskNotFound,
        ImageFileException { Error: ImageFileError.Io } => RefusalReason.DiskFault,
        ImageFileException => RefusalReason.DiskPathRefused,
        Qcow2FormatException { Error: Qcow2FormatError.Inconsistent or Qcow2FormatError.Malformed } => RefusalReason.DiskDamaged,
        Qcow2FormatException { Error: Qcow2FormatError.PendingWrites } => RefusalReason.DiskPending,
        Qcow2FormatException => RefusalReason.DiskUnsupported,
        ImageFaultException or BlockFileException => RefusalReason.DiskFault,
        _ => RefusalReason.InternalFault,
    };
}

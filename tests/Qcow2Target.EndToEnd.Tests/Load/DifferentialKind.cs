namespace Qcow2Target.EndToEnd.Tests.Load;

internal enum DifferentialKind
{
    Read,
    Write,
    WriteThrough,
    WriteSame,
    WriteSameUnmap,
    Unmap,
    Flush,
}

using System.Runtime.InteropServices;
using Qcow2Target.Interop;

namespace Qcow2Target.Qcow2.Io;

/// <summary>
/// A file descriptor of our own. Each call that is given it counts as a user, so <see cref="SafeHandle.Dispose()"/> turns new calls away and
/// the descriptor is closed (and its locks dropped) when the last running call has returned: its number is never reused under a call.
/// </summary>
internal sealed class FileDescriptor : SafeHandle
{
    internal FileDescriptor(int descriptor)
        : base(-1, ownsHandle: true) => SetHandle(descriptor);

    public override bool IsInvalid => handle == -1;

    protected override bool ReleaseHandle() => Libc.Close((int)handle) == 0;
}

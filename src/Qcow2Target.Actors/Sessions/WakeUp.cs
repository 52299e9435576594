using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Qcow2Target.Interop;

namespace Qcow2Target.Actors.Sessions;

/// <summary>An eventfd: wakes a thread that waits in poll(2).</summary>
internal sealed unsafe class WakeUp : IDisposable
{
    private readonly SafeFileHandle _handle;

    public WakeUp()
    {
        var descriptor = Libc.EventFd(0, Libc.EFD_CLOEXEC | Libc.EFD_NONBLOCK);
        if (descriptor < 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        _handle = new SafeFileHandle(descriptor, ownsHandle: true);
    }

    public SafeFileHandle Handle => _handle;

    /// <summary>Wakes the waiting thread, or the next wait. Never blocks; nothing happens once disposed.</summary>
    public void Signal()
    {
        try
        {
            ulong one = 1;
            Libc.Write(_handle, (byte*)&one, sizeof(ulong));
        }
        catch (ObjectDisposedException)
        {
            // Who waited is gone: nobody needs to wake.
        }
    }

    public void Clear()
    {
        ulong value;
        Libc.Read(_handle, (byte*)&value, sizeof(ulong));
    }

    public void Dispose() => _handle.Dispose();
}

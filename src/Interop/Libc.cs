using System.Runtime.InteropServices;

namespace Qcow2Target.Interop;

/// <summary>The direct calls into libc that .NET has no API for: one file, compiled into each project that needs one.</summary>
internal static partial class Libc
{
    /// <summary>Gives the processor to another runnable thread (sched_yield(2)).</summary>
    [LibraryImport("libc", EntryPoint = "sched_yield")]
    internal static partial int SchedYield();
}

namespace Qcow2Target.Scsi.Tests.Support;

internal static class Allocation
{
    /// <summary>Bytes that a hundred calls allocate on this thread, once the code is warm.</summary>
    public static long Of(Action action)
    {
        for (int i = 0; i < 100; i++)
            action();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
            action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}

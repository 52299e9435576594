using System.Collections.Concurrent;

namespace Qcow2Target.Actors.Sessions;

/// <summary>Pinned receive buffers that connections give back while they are idle.</summary>
internal static class ReceiveBuffers
{
    private const int MaxKept = 64;

    private static readonly ConcurrentBag<byte[]> Free = [];

    /// <returns>At least <paramref name="bytes"/> long.</returns>
    public static byte[] Rent(int bytes)
    {
        while (Free.TryTake(out var buffer))
        {
            if (buffer.Length >= bytes)
                return buffer;
        }
        return GC.AllocateUninitializedArray<byte>(bytes, pinned: true);
    }

    public static void Return(byte[] buffer)
    {
        if (Free.Count < MaxKept)
            Free.Add(buffer);
    }
}

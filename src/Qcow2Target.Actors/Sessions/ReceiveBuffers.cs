namespace Qcow2Target.Actors.Sessions;

/// <summary>
/// Pinned receive buffers that connections give back while they are idle. One stack for all threads: a collection with a part for each thread grows with
/// every session there ever was, and is walked through by the next.
/// </summary>
internal static class ReceiveBuffers
{
    private const int MaxKept = 64;

    private static readonly Lock Gate = new();
    private static readonly Stack<byte[]> Free = new(MaxKept);

    /// <returns>At least <paramref name="bytes"/> long.</returns>
    public static byte[] Rent(int bytes)
    {
        lock (Gate)
        {
            while (Free.TryPop(out var buffer))
            {
                if (buffer.Length >= bytes)
                    return buffer;
            }
        }
        return GC.AllocateUninitializedArray<byte>(bytes, pinned: true);
    }

    public static void Return(byte[] buffer)
    {
        lock (Gate)
        {
            if (Free.Count < MaxKept)
                Free.Push(buffer);
        }
    }
}

namespace Qcow2Target.Testing;

/// <summary>
/// Every way a stream may cut a message: whole, in two at each index, and byte by byte. Each piece lies in the middle of a larger array full of
/// junk, so that a reader that looks past its end is caught.
/// </summary>
public static class SplitPoints
{
    private const int JunkBytes = 64;
    private const byte Junk = 0xcd;

    /// <returns>One list of pieces for each way; the pieces joined are the message.</returns>
    public static IEnumerable<IReadOnlyList<ReadOnlyMemory<byte>>> Of(byte[] message)
    {
        yield return [InJunk(message)];
        for (var at = 1; at < message.Length; at++) yield return [InJunk(message.AsSpan(0, at)), InJunk(message.AsSpan(at))];
        yield return [.. message.Select(single => InJunk([single]))];
    }

    /// <summary>A copy of <paramref name="bytes"/> with junk before and behind.</summary>
    public static ReadOnlyMemory<byte> InJunk(ReadOnlySpan<byte> bytes)
    {
        var surrounded = new byte[JunkBytes + bytes.Length + JunkBytes];
        surrounded.AsSpan().Fill(Junk);
        bytes.CopyTo(surrounded.AsSpan(JunkBytes));
        return surrounded.AsMemory(JunkBytes, bytes.Length);
    }
}

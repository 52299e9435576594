namespace Qcow2Target.Actors.Disks;

/// <summary>Whether a piece of a write is made of whole clusters of zeros.</summary>
internal enum PieceContent
{
    Data,
    Zeros,
}

/// <summary>Finds the whole guest clusters of zeros in a write.</summary>
/// <param name="clusterBytes">A power of two.</param>
/// <param name="diskBytes">Where the disk ends: its last cluster counts as whole even if the disk ends in it.</param>
internal readonly struct ZeroClusters(int clusterBytes, long diskBytes)
{
    /// <summary>True if there is one. Looks at no byte of a cluster that is not covered, and at few of one that is not zero.</summary>
    public bool IsAnyIn(long offset, ReadOnlySpan<byte> source)
    {
        for (var start = 0; start < source.Length;)
        {
            var length = LengthAt(offset + start, source.Length - start);
            if (IsZeroCluster(offset + start, source.Slice(start, length)))
                return true;
            start += length;
        }
        return false;
    }

    /// <summary>The piece at the start of a write: neighbouring clusters of one content.</summary>
    /// <returns>How many bytes it has; at least 1 of a source that is not empty.</returns>
    public int TakePiece(long offset, ReadOnlySpan<byte> source, out PieceContent content)
    {
        var length = LengthAt(offset, source.Length);
        content = ContentOf(offset, source[..length]);
        while (length < source.Length)
        {
            var next = LengthAt(offset + length, source.Length - length);
            if (ContentOf(offset + length, source.Slice(length, next)) != content)
                break;
            length += next;
        }
        return length;
    }

    private PieceContent ContentOf(long offset, ReadOnlySpan<byte> cluster) => IsZeroCluster(offset, cluster) ? PieceContent.Zeros : PieceContent.Data;

    // Bytes from here to the end of the cluster, or of the write.
    private int LengthAt(long offset, int left) => (int)Math.Min(left, clusterBytes - (offset & (clusterBytes - 1)));

    private bool IsZeroCluster(long offset, ReadOnlySpan<byte> bytes)
    {
        var isWhole = (offset & (clusterBytes - 1)) == 0 && (bytes.Length == clusterBytes || offset + bytes.Length == diskBytes);
        return isWhole && !bytes.ContainsAnyExcept((byte)0);
    }
}

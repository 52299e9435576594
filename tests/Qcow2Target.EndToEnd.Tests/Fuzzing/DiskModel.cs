using Qcow2Target.Testing.Fuzzing;

namespace Qcow2Target.EndToEnd.Tests.Fuzzing;

/// <summary>What a disk held when it was last read, and which of its blocks may have changed since.</summary>
internal sealed class DiskModel(long blocks)
{
    private readonly byte[] _content = new byte[blocks * MediumChanges.BlockBytes];
    private readonly bool[] _mayDiffer = new bool[blocks];

    public long Blocks => blocks;

    public void Touch(IEnumerable<BlockSpan> spans)
    {
        foreach (BlockSpan span in spans) _mayDiffer.AsSpan((int)span.First, (int)span.Count).Fill(true);
    }

    /// <summary>Compares what was read with what must be there, and goes on from it.</summary>
    /// <exception cref="FuzzFinding">A block has changed that nothing sent could change.</exception>
    public void Check(byte[] read, string disk)
    {
        for (int block = 0; block < blocks; block++)
        {
            if (_mayDiffer[block]) continue;
            Span<byte> was = _content.AsSpan(block * MediumChanges.BlockBytes, MediumChanges.BlockBytes), now = read.AsSpan(block * MediumChanges.BlockBytes, MediumChanges.BlockBytes);
            if (!was.SequenceEqual(now)) throw new FuzzFinding($"{disk}: block {block} has changed, and nothing that was sent could change it: {Convert.ToHexStringLower(was[..16])} is now {Convert.ToHexStringLower(now[..16])}");
        }
        read.CopyTo(_content, 0);
        _mayDiffer.AsSpan().Clear();
    }
}

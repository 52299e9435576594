namespace Qcow2Target.EndToEnd.Tests.Load;

/// <summary>Consecutive blocks of a ledger.</summary>
internal readonly record struct BlockRun(int First, int Count)
{
    public int End => First + Count;
    public long Lba => (long)First * BlockStamp.SectorsPerBlock;
    public int Sectors => Count * BlockStamp.SectorsPerBlock;
    public int Bytes => Count * BlockStamp.BlockBytes;
}

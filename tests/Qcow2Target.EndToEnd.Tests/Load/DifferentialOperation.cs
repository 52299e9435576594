using Qcow2Target.EndToEnd.Tests.Initiator;

namespace Qcow2Target.EndToEnd.Tests.Load;

/// <summary>One operation on the disk and what it does to the model. <see cref="First"/> and <see cref="Count"/> are in blocks of 512 bytes.</summary>
internal sealed record DifferentialOperation(DifferentialKind Kind, int First, int Count, byte[] Data)
{
    private int End => First + Count;

    public bool Conflicts(DifferentialOperation other) =>
        (Kind != DifferentialKind.Read || other.Kind != DifferentialKind.Read) && First < other.End && other.First < End;

    /// <summary>Changes the model at once (nothing else is at work on these blocks) and the disk through the session.</summary>
    public Task RunAsync(InitiatorSession session, byte[] model)
    {
        Span<byte> range = model.AsSpan(First * 512, Count * 512);
        switch (Kind)
        {
            case DifferentialKind.Read:
                return ReadAsync(session, range.ToArray());
            case DifferentialKind.Write:
                Data.CopyTo(range);
                return session.MustAsync(Cdb.Write16(First, Data));
            case DifferentialKind.WriteThrough:
                Data.CopyTo(range);
                return session.MustAsync(Cdb.Write16Fua(First, Data));
            case DifferentialKind.WriteSame:
                for (int i = 0; i < Count; i++) Data.CopyTo(range[(i * 512)..]);
                return session.MustAsync(Cdb.WriteSame16(First, Count, Data));
            case DifferentialKind.WriteSameUnmap:
                range.Clear();
                return session.MustAsync(Cdb.WriteSame16Unmap(First, Count));
            case DifferentialKind.Unmap:
                range.Clear();
                return session.MustAsync(Cdb.Unmap((First, Count / 2), (First + Count / 2, Count - Count / 2)));
            default:
                return session.MustAsync(Cdb.SynchronizeCache16());
        }
    }

    public static void AssertSame(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> found, long at, string what)
    {
        int same = expected.CommonPrefixLength(found);
        if (same == expected.Length && found.Length == expected.Length) return;
        Assert.Fail($"{what}: byte {at + same} (block {(at + same) / 512}) is 0x{found[same]:x2} where 0x{expected[same]:x2} is due");
    }

    public override string ToString() => $"{Kind} of {Count} blocks at {First}";

    private async Task ReadAsync(InitiatorSession session, byte[] expected)
    {
        byte[] data = new byte[expected.Length];
        await session.MustAsync(Cdb.Read16(First, data));
        AssertSame(expected, data, First * 512L, ToString());
    }
}

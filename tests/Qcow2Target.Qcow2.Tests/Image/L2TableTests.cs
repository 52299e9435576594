using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;

namespace Qcow2Target.Qcow2.Tests.Image;

public sealed class L2TableTests
{
    private static readonly ClusterGeometry Geometry = new(16, 4, 3, 1L << 30, L2Form.Extended);

    [Fact]
    public void A_reader_never_sees_half_of_an_extended_entry()
    {
        var table = new L2Table(0, new HostOffset(0), new ulong[L2Table.WordsIn(Geometry)], Geometry, TableOwnership.Owned);
        // Both words tell the same number, so that a mixture of two entries shows.
        static L2Entry Entry(uint number) => L2Entry.OwnedEmpty(new HostOffset((long)number << 16)).WithData(number);
        table.Set(7, Entry(1));
        var stop = false;
        var torn = 0L;
        var reader = new Thread(() =>
        {
            while (!Volatile.Read(ref stop))
            {
                var seen = table[7];
                if (seen.Host.Value >> 16 != seen.AllocatedSubclusters) Interlocked.Increment(ref torn);
            }
        });
        reader.Start();
        for (uint number = 1; number < 2_000_000; number++) table.Set(7, Entry(number));
        Volatile.Write(ref stop, true);
        reader.Join();
        Assert.Equal(0, torn);
        Assert.Equal(1_999_999u, table[7].AllocatedSubclusters);
        Assert.Equal(L2Entry.Unallocated, table[6]);
        Assert.Equal(L2Entry.Unallocated, table[8]);
    }
}

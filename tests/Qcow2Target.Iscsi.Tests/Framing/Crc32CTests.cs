using Qcow2Target.Iscsi.Framing;

namespace Qcow2Target.Iscsi.Tests.Framing;

public sealed class Crc32CTests
{
    /// <summary>Vectors of RFC 7143 appendix A.4, as they are sent.</summary>
    public static TheoryData<byte[], byte[]> Vectors => new()
    {
        { new byte[32], [0xAA, 0x36, 0x91, 0x8A] },
        { [.. Enumerable.Repeat((byte)0xFF, 32)], [0x43, 0xAB, 0xA8, 0x62] },
        { [.. Enumerable.Range(0, 32).Select(i => (byte)i)], [0x4E, 0x79, 0xDD, 0x46] },
        { [.. Enumerable.Range(0, 32).Select(i => (byte)(31 - i))], [0x5C, 0xDB, 0x3F, 0x11] },
    };

    [Theory]
    [MemberData(nameof(Vectors))]
    public void Digests_are_those_of_the_rfc(byte[] data, byte[] digest)
    {
        var written = new byte[4];
        Crc32C.Write(data, written);
        Assert.Equal(digest, written);
        Assert.True(Crc32C.Matches(data, digest));
        data[^1] ^= 1;
        Assert.False(Crc32C.Matches(data, digest));
    }

    [Fact]
    public void Every_length_agrees_with_a_bit_by_bit_reckoning()
    {
        var data = new byte[67];
        new Random(1).NextBytes(data);
        for (var length = 0; length <= data.Length; length++) Assert.Equal(Slow(data.AsSpan(0, length)), Crc32C.Compute(data.AsSpan(0, length)));
    }

    private static uint Slow(ReadOnlySpan<byte> data)
    {
        var crc = 0xFFFF_FFFFu;
        foreach (var one in data)
        {
            crc ^= one;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F6_3B78 : crc >> 1;
        }

        return ~crc;
    }
}

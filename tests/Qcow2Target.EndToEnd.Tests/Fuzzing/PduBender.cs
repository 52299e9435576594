using System.Buffers.Binary;
using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests.Fuzzing;

/// <summary>
/// Bends what the grammar made. What leaves the stream in step (fields, order, repetition) may be done often; what puts the two ends out of step (lengths,
/// cuts, digests, additional headers) usually ends the connection, and is asked for apart.
/// </summary>
internal sealed class PduBender(RandomSource random)
{
    private static readonly (int Offset, int Width)[] Fields =
    [
        (0, 1), (1, 1), (2, 1), (2, 2), (8, 1), (9, 1), (8, 2), (8, 8), (16, 4), (20, 4), (20, 2), (24, 4), (28, 4), (32, 1), (32, 4), (33, 1), (34, 8), (36, 4), (40, 4), (42, 4), (44, 4), (47, 1),
    ];
    private static readonly ulong[] Edges = [0, 1, 2, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, ulong.MaxValue];

    /// <summary>Bends some of <paramref name="pdus"/>, each about once in <paramref name="odds"/>, and their order.</summary>
    public void Bend(List<FuzzPdu> pdus, int odds)
    {
        for (int i = 0; i < pdus.Count; i++)
        {
            if (!random.Once(odds)) continue;
            switch (random.Next(6))
            {
                case 0 or 1 or 2:
                    Field(pdus[i].Header);
                    break;
                case 3:
                    for (int flips = random.Next(1, 4); flips > 0; flips--)
                    {
                        int bit = random.Next(48 * 8);
                        if (bit / 8 is < 4 or > 7) pdus[i].Header[bit / 8] ^= (byte)(1 << (bit % 8));
                    }
                    break;
                case 4:
                    pdus.Insert(i, pdus[i]);
                    i++;
                    break;
                default:
                    int other = random.Next(pdus.Count);
                    (pdus[i], pdus[other]) = (pdus[other], pdus[i]);
                    break;
            }
        }
    }

    /// <summary>The bytes of a PDU that puts the ends out of step, or breaks a digest.</summary>
    public byte[] Break(FuzzPdu pdu, bool headerDigest, bool dataDigest)
    {
        switch (random.Next(9))
        {
            case 0:
                pdu.ToldDataLength = Math.Max(0, pdu.Data.Length + random.Pick(-4, -1, 1, 4, 48, 4096));
                break;
            case 1:
                pdu.ToldDataLength = random.Pick(0, 1, 8193, 262144, 262145, 0xFFFFFF);
                break;
            case 2:
                pdu.ToldAhsWords = (byte)random.Pick(1, 2, 12, 64, 65, 255);
                break;
            case 3:
                pdu.Ahs = random.Bytes(4 * random.Pick(1, 2, 3, 64));
                if (random.Once(2)) (pdu.Ahs[0], pdu.Ahs[1], pdu.Ahs[2]) = (0, (byte)random.Pick(0, 1, 5, pdu.Ahs.Length - 3, 255), (byte)random.Pick(0, 1, 2, 3));
                break;
            case 4:
                return random.Bytes(random.Next(1, 300));
            case 5:
                byte[] whole = pdu.Encode(headerDigest, dataDigest);
                return whole[..random.Next(whole.Length)];
            case 6:
                return pdu.Encode(!headerDigest, dataDigest);
            case 7:
                return pdu.Encode(headerDigest, !dataDigest);
        }
        byte[] bytes = pdu.Encode(headerDigest, dataDigest);
        if (random.Once(2)) bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
        return bytes;
    }

    private void Field(byte[] header)
    {
        (int offset, int width) = random.Pick<(int, int)>(Fields);
        ulong value = random.Once(4) ? (ulong)random.NextInt64() : random.Pick<ulong>(Edges);
        Span<byte> bytes = stackalloc byte[8];
        if (random.Once(3))
        {
            header.AsSpan(offset, width).CopyTo(bytes[(8 - width)..]);
            value = BinaryPrimitives.ReadUInt64BigEndian(bytes) + (ulong)random.Pick(-1L, 1L, 2L);
        }
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        bytes[(8 - width)..].CopyTo(header.AsSpan(offset));
    }
}

using Qcow2Target.Iscsi.Framing;
using Qcow2Target.Iscsi.Login;
using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Testing;

namespace Qcow2Target.Iscsi.Tests.Framing;

public sealed class PduScannerTests
{
    public static TheoryData<DigestMethod, DigestMethod, int, int> Shapes()
    {
        var shapes = new TheoryData<DigestMethod, DigestMethod, int, int>();
        foreach (var header in Enum.GetValues<DigestMethod>())
        {
            foreach (var data in Enum.GetValues<DigestMethod>())
            {
                foreach (var (dataBytes, additional) in new[] { (0, 0), (1, 0), (4, 8), (7, 4), (100, 0) }) shapes.Add(header, data, dataBytes, additional);
            }
        }

        return shapes;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_pdu_is_found_however_it_is_cut(DigestMethod header, DigestMethod data, int dataBytes, int additionalBytes)
    {
        var digests = new DigestUse(header, data);
        var random = new Random(dataBytes);
        var (payload, additional) = (new byte[dataBytes], new byte[additionalBytes]);
        random.NextBytes(payload);
        random.NextBytes(additional);
        var pdu = new byte[digests.PduBytes(dataBytes, additionalBytes)];
        Assert.Equal(pdu.Length, PduWriter.Write(new NopOutPdu { IsImmediate = true, InitiatorTaskTag = 0x1234_5678 }, payload, pdu, digests, additional));
        foreach (var pieces in SplitPoints.Of(pdu))
        {
            var scanner = new PduScanner(digests, 100, 8);
            byte[] held = [];
            for (var i = 0; i < pieces.Count; i++)
            {
                held = [.. held, .. pieces[i].Span];
                var state = scanner.Scan(held, out var frame);
                if (i < pieces.Count - 1)
                {
                    Assert.Equal(ScanState.NeedMore, state);
                    Assert.InRange(scanner.NeededBytes, held.Length + 1, pdu.Length);
                    continue;
                }

                Assert.Equal(ScanState.Complete, state);
                Assert.Equal((Opcode.NopOut, true, 0x1234_5678u, pdu.Length, true), (frame.Opcode, frame.IsImmediate, frame.InitiatorTaskTag, frame.Length, frame.DataDigestHolds));
                Assert.Equal(payload, frame.Data.ToArray());
                Assert.Equal(additional, frame.AdditionalHeader.ToArray());
            }
        }
    }

    [Fact]
    public void What_follows_a_pdu_is_left_alone()
    {
        var scanner = new PduScanner(DigestUse.None, 100, 0);
        var pdu = new byte[52];
        PduWriter.Write(default(NopOutPdu), new byte[3], pdu, DigestUse.None);
        Assert.Equal(ScanState.Complete, scanner.Scan([.. pdu, 1, 2, 3], out var frame));
        Assert.Equal((52, 3), (frame.Length, frame.Data.Length));
    }

    [Fact]
    public void Lengths_beyond_the_limits_break_the_stream()
    {
        var scanner = new PduScanner(DigestUse.None, 512, 8);
        var pdu = new byte[48];
        (pdu[6], pdu[7]) = (2, 1);
        Assert.Equal(ScanState.Broken, scanner.Scan(pdu, out _));
        Assert.Equal((ScanFault.DataSegmentTooLong, 513), (scanner.Fault, scanner.FaultValue));
        pdu[4] = 3;
        Assert.Equal(ScanState.Broken, scanner.Scan(pdu, out _));
        Assert.Equal((ScanFault.AdditionalHeaderTooLong, 12), (scanner.Fault, scanner.FaultValue));
    }

    [Fact]
    public void A_header_digest_is_checked_before_the_length_is_believed()
    {
        var digests = new DigestUse(DigestMethod.Crc32C, DigestMethod.None);
        var scanner = new PduScanner(digests, 512, 0);
        var pdu = new byte[52];
        PduWriter.Write(default(NopOutPdu), [], pdu, digests);
        pdu[5] = 0xFF;
        Assert.Equal(ScanState.Broken, scanner.Scan(pdu, out _));
        Assert.Equal(ScanFault.HeaderDigest, scanner.Fault);
    }

    [Fact]
    public void A_data_digest_covers_the_padding_and_is_told()
    {
        var digests = new DigestUse(DigestMethod.None, DigestMethod.Crc32C);
        var scanner = new PduScanner(digests, 512, 0);
        var pdu = new byte[48 + 4 + 4];
        PduWriter.Write(default(NopOutPdu), [1, 2, 3], pdu, digests);
        pdu[51] = 1;
        Assert.Equal(ScanState.Complete, scanner.Scan(pdu, out var frame));
        Assert.False(frame.DataDigestHolds);
    }
}

using System.Text;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;
using Qcow2Target.Testing.Fuzzing;

namespace Qcow2Target.EndToEnd.Tests.Fuzzing;

/// <summary>Makes up the PDUs of a session in full feature: valid in form and number, so that they get deep; the bending is done after that.</summary>
internal sealed class PduGrammar(RandomSource random, CdbGrammar commands, int bentCdbOdds)
{
    private static readonly int[] Luns = [0, 0, 0, 0, 1, 2, 3];
    private static readonly string[] Texts =
    [
        "SendTargets=All\0", "SendTargets=\0", "SendTargets=iqn.2018-05.local:fuzz-0\0", "SendTargets=nobody\0", "Unheard=of\0", "MaxBurstLength=512\0", "=\0", "A", "\0\0\0",
        "SendTargets=All\0Unheard=of\0", "AuthMethod=CHAP\0", "InitiatorName=iqn.x\0", "HeaderDigest=CRC32C\0",
    ];
    private uint _nextTag = (uint)random.Next(2) * 0xFFFFFF00;
    private uint _lastText;

    /// <summary>The next PDUs of a connection, in their order. CmdSN counts on from what the target waits for.</summary>
    public List<FuzzPdu> Next(ConnectionLedger ledger)
    {
        List<FuzzPdu> pdus = [];
        if (ledger.PingsToAnswer.TryDequeue(out var ping))
        {
            pdus.Add(new FuzzPdu(Opcodes.NopOut | Opcodes.Immediate, 0x80) { Lun = ping.Lun, [16] = RawPdu.NoTag, [20] = ping.TransferTag });
        }
        else if (ledger.ToAnswer.Count > 0 && !random.Once(3))
        {
            Answer(ledger, pdus, Deviation());
        }
        else
        {
            switch (random.Next(40))
            {
                case 0 or 1:
                    pdus.Add(new FuzzPdu(Opcodes.NopOut, 0x80, random.Bytes(random.Pick(0, 0, 1, 4, 100, 4096))) { [16] = Tag(), [20] = RawPdu.NoTag });
                    break;
                case 2 or 3:
                    pdus.Add(Manage(ledger));
                    break;
                case 4:
                    Ask(ledger, pdus);
                    break;
                case 5 when random.Once(4):
                    pdus.Add(Strange());
                    break;
                default:
                    Command(ledger, pdus, commands.Next(Luns, bentCdbOdds));
                    break;
            }
        }
        return Number(ledger, pdus);
    }

    /// <summary>A command that needs no data, for what goes behind a login at once.</summary>
    public List<FuzzPdu> NextWithoutData(ConnectionLedger ledger)
    {
        List<FuzzPdu> pdus = [];
        FuzzCommand command = commands.Next(Luns, bentOdds: 1000);
        if (command.DataOut.Length > 0) pdus.Add(new FuzzPdu(Opcodes.NopOut | Opcodes.Immediate, 0x80, [1, 2, 3]) { [16] = Tag(), [20] = RawPdu.NoTag });
        else Command(ledger, pdus, command);
        return Number(ledger, pdus);
    }

    /// <summary>All that the target waits for, as it must be.</summary>
    public List<FuzzPdu> Settle(ConnectionLedger ledger)
    {
        List<FuzzPdu> pdus = [];
        foreach (SentTask task in ledger.Open.Where(task => task.IsUnsolicitedOpen))
        {
            pdus.Add(new FuzzPdu(Opcodes.DataOut, 0x80) { [16] = task.Tag, [20] = RawPdu.NoTag, [36] = task.NextDataOutSn, [40] = (uint)task.Contiguous });
        }
        while (ledger.ToAnswer.Count > 0) Answer(ledger, pdus, 0);
        return Number(ledger, pdus);
    }

    public uint NewTag() => ++_nextTag == RawPdu.NoTag ? ++_nextTag : _nextTag;

    public FuzzPdu Ping() => new(Opcodes.NopOut | Opcodes.Immediate, 0x80) { [16] = NewTag(), [20] = RawPdu.NoTag };

    public FuzzPdu Logout(ConnectionLedger ledger, int reason) =>
        new(Opcodes.Logout | Opcodes.Immediate, (byte)(0x80 | reason)) { [16] = NewTag(), [20] = (uint)ledger.ConnectionId << 16, [24] = ledger.ExpCmdSn };

    /// <summary>Gives each its CmdSN and ExpStatSN.</summary>
    public static List<FuzzPdu> Number(ConnectionLedger ledger, List<FuzzPdu> pdus)
    {
        uint next = ledger.ExpCmdSn;
        foreach (FuzzPdu pdu in pdus)
        {
            pdu[28] = ledger.NextStatSn;
            if (pdu.Opcode is Opcodes.DataOut) continue;
            pdu[24] = next;
            if (!pdu.IsImmediate && pdu.Opcode is Opcodes.NopOut or Opcodes.ScsiCommand or Opcodes.TaskManagement or Opcodes.Text or Opcodes.Logout) next++;
        }
        return pdus;
    }

    private uint Tag() => random.Once(60) ? (uint)random.Next(4) + _nextTag - 4 : NewTag();

    private int Deviation() => random.Once(5) ? random.Next(1, 9) : 0;

    private void Command(ConnectionLedger ledger, List<FuzzPdu> pdus, FuzzCommand command)
    {
        byte[] data = command.DataOut;
        int expected = data.Length > 0 ? data.Length : command.DataIn;
        if (random.Once(20)) expected = Math.Max(0, random.Pick(0, 1, expected - 1, expected + 1, expected * 2, expected / 2, expected + 511));
        bool writes = data.Length > 0, reads = !writes && command.DataIn > 0;
        if (random.Once(60)) (writes, reads) = (!writes, !reads);
        if (!writes && !reads) expected = 0;
        int allowed = Math.Min(Math.Min(expected, data.Length), random.Once(40) ? int.MaxValue : ledger.FirstBurst);
        int immediate = writes && (ledger.ImmediateData || random.Once(40)) ? Math.Min(allowed, ledger.TargetSegment) : 0;
        if (immediate > 0 && random.Once(4)) immediate = random.Next(immediate + 1);
        int unsolicited = writes && (!ledger.InitialR2T || random.Once(60)) && random.Once(2) ? allowed - immediate : 0;
        bool announces = unsolicited > 0 || (writes && !ledger.InitialR2T && random.Once(20));
        byte attribute = random.Once(8) ? (byte)random.Next(8) : (byte)1;
        FuzzPdu pdu = new(Opcodes.ScsiCommand, (byte)((announces ? 0 : 0x80) | (reads ? 0x40 : 0) | (writes ? 0x20 : 0) | attribute), immediate > 0 ? data[..immediate] : [])
        {
            Lun = command.Lun,
            [16] = Tag(),
            [20] = (uint)expected,
        };
        if (random.Once(40)) pdu.Header[0] |= Opcodes.Immediate;
        command.Cdb.AsSpan(0, Math.Min(16, command.Cdb.Length)).CopyTo(pdu.Header.AsSpan(32));
        if (command.Cdb.Length > 16)
        {
            int rest = command.Cdb.Length - 16;
            pdu.Ahs = new byte[(4 + rest + 3) & ~3];
            (pdu.Ahs[0], pdu.Ahs[1], pdu.Ahs[2]) = ((byte)((rest + 1) >> 8), (byte)(rest + 1), 1);
            command.Cdb.AsSpan(16).CopyTo(pdu.Ahs.AsSpan(4));
        }
        pdus.Add(pdu);
        if (announces) Train(ledger, pdus, pdu[16], RawPdu.NoTag, data, immediate, unsolicited, Deviation());
    }

    /// <summary>A sequence of Data-Outs; <paramref name="deviation"/> 0 follows the rules.</summary>
    private void Train(ConnectionLedger ledger, List<FuzzPdu> pdus, uint tag, uint transferTag, byte[] data, int offset, int length, int deviation)
    {
        int piece = Math.Min(ledger.TargetSegment, random.Pick(512, 1000, 4096, 65536, 262144)), end = offset + length;
        if (length / piece > 40) piece = Math.Min(ledger.TargetSegment, 65536);
        uint sequence = 0;
        do
        {
            int bytes = Math.Min(piece, end - offset);
            bool last = offset + bytes >= end;
            FuzzPdu pdu = new(Opcodes.DataOut, (byte)(last ? 0x80 : 0), data.AsSpan(offset, bytes).ToArray()) { [16] = tag, [20] = transferTag, [36] = sequence++, [40] = (uint)offset };
            switch (deviation)
            {
                case 1: pdu[36] += (uint)random.Next(1, 3); break;
                case 2: pdu[40] = (uint)Math.Max(0, (int)pdu[40] + random.Pick(-512, 512, 1, 1 << 20)); break;
                case 3 when random.Once(3): pdu.Header[1] ^= 0x80; break;
                case 4: pdu[20] = random.Pick(RawPdu.NoTag, transferTag + 1, 0u); break;
                case 5 when last: pdu.Data = pdu.Data.Length > 1 ? pdu.Data[..random.Next(pdu.Data.Length)] : []; break;
                case 6 when last: pdu.Data = [.. pdu.Data, .. new byte[random.Pick(1, 4, 512)]]; break;
                case 7: pdu[16] = tag + (uint)random.Next(2); break;
                case 8 when random.Once(2): pdus.Add(pdu); break;
            }
            pdus.Add(pdu);
            offset += bytes;
        }
        while (offset < end);
    }

    private void Answer(ConnectionLedger ledger, List<FuzzPdu> pdus, int deviation)
    {
        var (task, transferTag, offset, length) = ledger.ToAnswer.Dequeue();
        if (offset + (long)length > 1 << 22) return;
        byte[] data = new byte[offset + length];
        random.NextBytes(data.AsSpan((int)offset, Math.Min(16, (int)length)));
        // What a command's parameters were to be is not known any more, but for parameter lists that were to be sent by R2T only.
        task.DataOut[..Math.Min(task.DataOut.Length, data.Length)].CopyTo(data);
        Train(ledger, pdus, task.Tag, transferTag, data, (int)offset, (int)length, deviation);
    }

    private FuzzPdu Manage(ConnectionLedger ledger)
    {
        List<SentTask> open = [.. ledger.Open.Where(task => task.Opcode == 0x01)];
        SentTask? victim = open.Count > 0 ? open[random.Next(open.Count)] : null;
        int function = random.Once(10) ? random.Next(128) : random.Pick(1, 1, 1, 1, 2, 2, 3, 4, 5, 6, 8);
        if (function == 7 && !random.Once(10)) function = 1;
        return new FuzzPdu((byte)(Opcodes.TaskManagement | (random.Once(6) ? 0 : Opcodes.Immediate)), (byte)(0x80 | function))
        {
            Lun = victim?.Lun ?? (ulong)random.Pick<int>(Luns) << 48,
            [16] = Tag(),
            [20] = victim?.Tag ?? RawPdu.NoTag,
            [32] = ledger.ExpCmdSn - (uint)random.Next(4),
        };
    }

    private void Ask(ConnectionLedger ledger, List<FuzzPdu> pdus)
    {
        byte immediate = random.Once(2) ? Opcodes.Immediate : (byte)0;
        if (ledger.TextTag != RawPdu.NoTag && ledger.TextTag != _lastText && random.Once(2))
        {
            _lastText = ledger.TextTag;
            pdus.Add(new FuzzPdu((byte)(Opcodes.Text | immediate), 0x80) { [16] = Tag(), [20] = _lastText });
            return;
        }
        string text = random.Once(6) ? $"MaxRecvDataSegmentLength={ledger.OurSegment}\0" : random.Pick<string>(Texts);
        if (random.Once(10)) text += new string('x', random.Next(8000));
        bool continued = random.Once(5);
        pdus.Add(new FuzzPdu((byte)(Opcodes.Text | immediate), (byte)(continued ? 0x40 : random.Once(8) ? 0 : 0x80), Encoding.ASCII.GetBytes(text)) { [16] = Tag(), [20] = RawPdu.NoTag });
    }

    private FuzzPdu Strange() => new(random.Pick<byte>(0x10, 0x43, 0x03, 0x20, 0x21, 0x25, 0x31, 0x3F, 0x1C, (byte)random.Next(64)), (byte)random.Next(256), random.Bytes(random.Pick(0, 4, 48, 513)))
    {
        [16] = Tag(),
        [20] = (uint)random.Next(4),
    };
}

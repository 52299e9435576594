using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using Qcow2Target.Testing.Fuzzing;

namespace Qcow2Target.EndToEnd.Tests.Fuzzing;

/// <summary>
/// Follows what is sent as the target must: takes the bytes apart by RFC 7143 section 11.2, whatever the generator meant by them, so that a lying length or a
/// missing byte is seen as the target sees it. Notes what is due for each PDU and which blocks it may change.
/// </summary>
internal sealed class SentStream(ConnectionLedger ledger)
{
    private const int MostAhs = 256;
    private static readonly byte[] Ordered = [0x00, 0x01, 0x02, 0x04, 0x06];
    private readonly List<BlockSpan> _spans = [];
    private byte[] _bytes = new byte[65536];
    private int _start, _end;
    private bool _isLoginSeen;

    /// <summary>The target takes no more of this: it has closed the connection, or will.</summary>
    public bool IsOver { get; private set; }

    /// <summary>What was sent ends with a PDU's end.</summary>
    public bool IsInStep => !IsOver && _start == _end;

    /// <summary>PDUs seen so far.</summary>
    public long Pdus { get; private set; }

    /// <summary>A PDU that would take the guard's reservation away by right: it must not be sent.</summary>
    public bool IsForbidden { get; private set; }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (IsOver) return;
        if (_end + bytes.Length > _bytes.Length)
        {
            _bytes.AsSpan(_start, _end - _start).CopyTo(_bytes);
            (_start, _end) = (0, _end - _start);
            if (_end + bytes.Length > _bytes.Length) Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, _end + bytes.Length));
        }
        bytes.CopyTo(_bytes.AsSpan(_end));
        _end += bytes.Length;
        while (!IsOver && TryTake())
        {
        }
    }

    private bool TryTake()
    {
        ReadOnlySpan<byte> input = _bytes.AsSpan(_start, _end - _start);
        bool full = ledger.IsFullFeature;
        if (!full && input.Length > 0 && (input[0] & 0x3F) != 0x03) return End("no Login Request before full feature");
        if (input.Length < 48) return false;
        int ahs = input[4] * 4, headerDigest = full && ledger.HeaderDigest ? 4 : 0;
        if (ahs > (full ? MostAhs : 0)) return End("additional header too long");
        int dataAt = 48 + ahs + headerDigest;
        if (input.Length < dataAt) return false;
        if (headerDigest > 0 && BinaryPrimitives.ReadUInt32LittleEndian(input[(48 + ahs)..]) != Crc(input[..(48 + ahs)])) return End("header digest");
        int length = input[5] << 16 | input[6] << 8 | input[7], padded = (length + 3) & ~3;
        if (length > (full && !ledger.IsDiscovery ? ledger.TargetSegment : 8192)) return End("data segment too long");
        int dataDigest = full && ledger.DataDigest && length > 0 ? 4 : 0, total = dataAt + padded + dataDigest;
        if (input.Length < total) return false;
        bool digestHolds = dataDigest == 0 || BinaryPrimitives.ReadUInt32LittleEndian(input[(dataAt + padded)..]) == Crc(input.Slice(dataAt, padded));
        _start += total;
        Pdus++;
        ledger.Conversation.Transcript.Sent(ledger.Number, input[..(48 + ahs)], length);
        ledger.RememberHeader(input[..48]);
        if (!full && !_isLoginSeen) (_isLoginSeen, ledger.ExpCmdSn) = (true, U32(input, 24));
        if (full) Take(input[..48], input.Slice(48, ahs), input.Slice(dataAt, length), digestHolds);
        else if ((input[1] & 0xC0) == 0x80 && (input[1] & 0x03) == 3) ledger.IsFullFeature = true;     // what follows is for full feature, or for nobody
        return true;
    }

    private void Take(ReadOnlySpan<byte> header, ReadOnlySpan<byte> ahs, ReadOnlySpan<byte> data, bool digestHolds)
    {
        byte opcode = (byte)(header[0] & 0x3F);
        if (!digestHolds && opcode != 0x05)
        {
            // A command counts as not received, and nobody can send it again.
            if ((header[0] & 0x40) == 0 || opcode == 0x01) End("data digest");
            return;
        }
        if (ledger.IsDiscovery)
        {
            ledger.IsUncertain = true;
            ledger.MayEnd ??= "discovery";
        }
        uint tag = U32(header, 16);
        Acceptance acceptance = Accept(header, opcode, tag);
        if (opcode == 0x05)
        {
            DataOut(header, data, digestHolds, tag);
            return;
        }
        if (acceptance == Acceptance.Ignored) return;
        bool reserved = tag == 0xFFFFFFFF;
        switch (opcode)
        {
            case 0x01:
                Command(header, ahs, data, acceptance);
                break;
            case 0x02 when !reserved:
                byte function = (byte)(header[1] & 0x7F);
                if (function == 1) foreach (SentTask victim in ledger.WithTag(U32(header, 20))) victim.IsExcused = true;
                if (function == 7) ledger.Conversation.IsColdReset = true;
                ledger.Add(new SentTask(header.ToArray(), acceptance) { WhenDone = function is 2 or 4 or 5 or 6 or 7 ? ledger.Conversation.Abort() : Nothing });
                break;
            case 0x00 or 0x04 when !reserved:
                if (opcode == 0x04 && data.IndexOf("RecvData"u8) >= 0 && data.IndexOf(Encoding.ASCII.GetBytes($"MaxRecvDataSegmentLength={ledger.OurSegment}\0")) < 0) ledger.IsSegmentUnsure = true;
                ledger.Add(new SentTask(header.ToArray(), acceptance) { Data = data.ToArray() });
                break;
            case 0x06 when !reserved:
                ledger.Add(new SentTask(header.ToArray(), acceptance));
                int reason = header[1] & 0x7F;
                bool ends = reason == 0 || (reason == 1 && (header[20] << 8 | header[21]) == ledger.ConnectionId);
                if (!ends) break;
                ledger.MayEnd ??= "logout";
                if (acceptance == Acceptance.Taken) IsOver = true;
                else ledger.IsUncertain = true;
                break;
        }
    }

    private Acceptance Accept(ReadOnlySpan<byte> header, byte opcode, uint tag)
    {
        bool ordered = (header[0] & 0x40) == 0 && Ordered.Contains(opcode) && (opcode != 0 || tag != 0xFFFFFFFF);
        if (!ordered) return ledger.IsUncertain && ledger.MayEnd is not null ? Acceptance.Unknown : Acceptance.Taken;
        uint commandSequence = U32(header, 24);
        if (ledger.IsUncertain) return Acceptance.Unknown;
        if (commandSequence != ledger.ExpCmdSn) return Acceptance.Ignored;
        if ((int)(commandSequence - ledger.MaxCmdSn) > 0)
        {
            ledger.IsUncertain = true;
            return Acceptance.Unknown;
        }
        ledger.ExpCmdSn++;
        return Acceptance.Taken;
    }

    private void Command(ReadOnlySpan<byte> header, ReadOnlySpan<byte> ahs, ReadOnlySpan<byte> data, Acceptance acceptance)
    {
        byte[] cdb = [.. header[32..48], .. ahs.Length > 4 ? ahs[4..Math.Min(ahs.Length, 3 + Math.Max(1, ahs[0] << 8 | ahs[1]))] : []];
        SentTask task = new(header.ToArray(), acceptance)
        {
            Cdb = cdb,
            Data = data.ToArray(),
            WhenDone = (cdb[0], cdb[1] & 0x1F) == (0x5F, 5) ? ledger.Conversation.Abort() : Nothing,
            AbortsBefore = ledger.Conversation.Aborts,
            IsExcused = ledger.Conversation.PendingAborts > 0,
            IsUnsolicitedOpen = (header[1] & 0x80) == 0,
            SolicitedEnd = (uint)data.Length,
        };
        // Anybody who is registered may clear all reservations (SPC-4 5.13.11.2): not on the guarded LUN.
        if (cdb[0] == 0x5F && (cdb[1] & 0x1F) == 3 && (header[9] == 2 || header[8] != 0)) IsForbidden = true;
        task.AddData(0, data);
        ledger.Add(task);
        NoteChanges(task);
    }

    private void DataOut(ReadOnlySpan<byte> header, ReadOnlySpan<byte> data, bool digestHolds, uint tag)
    {
        uint transferTag = U32(header, 20), offset = U32(header, 40);
        bool final = (header[1] & 0x80) != 0;
        foreach (SentTask task in ledger.WithTag(tag))
        {
            if (task.Opcode != 0x01 || task.IsDone || task.IsAborted || task.Acceptance == Acceptance.Ignored) continue;
            bool unsolicited = transferTag == 0xFFFFFFFF;
            bool fits = unsolicited
                ? task.IsUnsolicitedOpen
                : !task.IsUnsolicitedOpen && task.OpenR2Ts.Count > 0 && task.OpenR2Ts[0].TransferTag == transferTag && offset + (ulong)data.Length <= task.OpenR2Ts[0].End;
            if (!task.WaitsForUs) task.IsDisturbed = true;
            else if (!fits || !digestHolds || offset != task.Contiguous || U32(header, 36) != task.NextDataOutSn) task.IsBroken = true;
            task.NextDataOutSn = final ? 0 : task.NextDataOutSn + 1;
            if (digestHolds) task.AddData(offset, data);
            if (final && unsolicited && task.IsUnsolicitedOpen)
            {
                task.IsUnsolicitedOpen = false;
                task.SolicitedEnd = (uint)task.Contiguous;
            }
            else if (final && !unsolicited && task.OpenR2Ts.Count > 0)
            {
                if (task.OpenR2Ts[0].End != task.Contiguous) task.IsBroken = true;
                task.OpenR2Ts.RemoveAt(0);
            }
            NoteChanges(task);
        }
    }

    private void NoteChanges(SentTask task)
    {
        if (!ledger.MayWrite) return;
        _spans.Clear();
        bool copies = MediumChanges.Collect(task.Cdb, task.DataOut, ledger.Conversation.Scratch.Blocks, _spans);
        if (copies || NamesScratch(task.Lun)) ledger.Conversation.Scratch.Touch(_spans);
    }

    /// <summary>LUN 0, by the peripheral or the flat method.</summary>
    private static bool NamesScratch(ulong lun) => lun is 0 or 0x4000_0000_0000_0000;

    private bool End(string why)
    {
        IsOver = true;
        ledger.MayEnd ??= why;
        ledger.Conversation.Transcript.Note(ledger.Number, "the target must give up: " + why);
        return false;
    }

    private static void Nothing()
    {
    }

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]);

    internal static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = 0xFFFFFFFF;
        for (; bytes.Length >= 8; bytes = bytes[8..]) crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (byte value in bytes) crc = BitOperations.Crc32C(crc, value);
        return ~crc;
    }
}

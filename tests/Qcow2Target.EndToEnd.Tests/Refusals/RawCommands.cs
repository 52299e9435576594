using System.Buffers.Binary;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;

namespace Qcow2Target.EndToEnd.Tests.Refusals;

/// <summary>Any CDB with any data over one session, and the sense bytes as they came.</summary>
internal sealed class RawCommands : IDisposable
{
    private const byte Final = 0x80, Read = 0x40, Write = 0x20;
    private readonly ScriptedSession _session;

    private RawCommands(ScriptedSession session) => _session = session;

    public ScriptedSession Session => _session;

    /// <summary>Logs in and takes the unit attentions of every disk.</summary>
    public static async Task<RawCommands> LoginAsync(RefusalFixture fixture, Func<SessionOptions, SessionOptions>? change = null)
    {
        RawCommands commands = await LoginAsync(fixture.Daemon, change?.Invoke(fixture.Options) ?? fixture.Options);
        foreach (int lun in RefusalFixture.Luns) await commands.TakeAttentionsAsync(lun);
        return commands;
    }

    /// <summary>Logs in and leaves the unit attentions where they are.</summary>
    public static async Task<RawCommands> LoginAsync(DaemonProcess daemon, SessionOptions options) => new(await ScriptedSession.LoginAsync(daemon.Portal, options));

    public async Task TakeAttentionsAsync(int lun = 0)
    {
        Answer answer;
        do answer = await RunAsync([0, 0, 0, 0, 0, 0], lun: lun);
        while (answer.Describe().StartsWith("6/", StringComparison.Ordinal));
    }

    public async Task<Answer> RunAsync(byte[] cdb, byte[]? write = null, int lun = 0, int read = 0, byte attribute = 1)
    {
        byte flags = (byte)(Final | (read > 0 ? Read : 0) | (write is null ? 0 : Write) | attribute);
        RawPdu command = new(Opcodes.ScsiCommand, flags, write ?? []) { TaskTag = _session.NewTag(), Lun = (ulong)lun << 48 };
        command[20] = (uint)Math.Max(read, write?.Length ?? 0);
        cdb.CopyTo(command.Header[32..]);
        await _session.SendAsync(command);
        return await AnswerAsync(command.TaskTag);
    }

    /// <summary>How a command ends: its data, then its status.</summary>
    public async Task<Answer> AnswerAsync(uint tag)
    {
        List<byte> data = [];
        while (true)
        {
            RawPdu pdu = await _session.ReceiveAnyAsync() ?? throw new IOException("the target closed the connection");
            if (ScriptedSession.IsPing(pdu)) continue;
            Assert.Equal(tag, pdu.TaskTag);
            if (pdu.Opcode == Opcodes.DataIn)
            {
                data.AddRange(pdu.Data.Span);
                if ((pdu.Flags & 1) != 0) return new Answer(pdu.Header[3], [], [.. data]);
                continue;
            }
            Assert.Equal(Opcodes.ScsiResponse, pdu.Opcode);
            return new Answer(pdu.Header[3], pdu.Data.Length > 2 ? pdu.Data[2..].ToArray() : [], [.. data]);
        }
    }

    public async Task MustAsync(Task<Answer> command)
    {
        Answer answer = await command;
        Assert.True(answer.Status == ScsiResult.Good, answer.Describe());
    }

    /// <summary>PERSISTENT RESERVE OUT.</summary>
    public Task<Answer> ReserveAsync(byte action, ulong key, ulong actionKey, byte type = 0, int lun = 0)
    {
        byte[] list = new byte[24];
        BinaryPrimitives.WriteUInt64BigEndian(list, key);
        BinaryPrimitives.WriteUInt64BigEndian(list.AsSpan(8), actionKey);
        return RunAsync([0x5F, action, type, 0, 0, 0, 0, 0, 24, 0], list, lun);
    }

    /// <summary>MODE SELECT of the control page as it is, with a bit of it turned over.</summary>
    public async Task<Answer> SelectControlAsync(int at, byte bit, int lun = 0)
    {
        byte[] page = (await RunAsync([0x1A, 8, 0x0A, 0, 16, 0], lun: lun, read: 16)).DataIn;
        Assert.Equal(16, page.Length);
        (page[0], page[1], page[2]) = (0, 0, 0);
        page[4 + at] ^= bit;
        return await RunAsync([0x15, 0x10, 0, 0, 16, 0], page, lun);
    }

    /// <summary>UNMAP of that many blocks, each as a range.</summary>
    public Task<Answer> UnmapAsync(int ranges)
    {
        ScsiCommand unmap = Cdb.Unmap([.. Enumerable.Range(0, ranges).Select(i => ((long)i, 1))]);
        return RunAsync(unmap.Cdb, unmap.DataOut.ToArray());
    }

    /// <summary>EXTENDED COPY within the disk: so many target and segment descriptors of these types.</summary>
    public async Task<Answer> CopyAsync(int targets, byte targetType, int segments, byte segmentType, Action<byte[]>? spoil = null)
    {
        byte[] page = (await RunAsync([0x12, 1, 0x83, 0, 255, 0], read: 255)).DataIn;
        byte[] target = new byte[32];
        target[0] = targetType;
        page.AsSpan(4, 4 + page[7]).CopyTo(target.AsSpan(4));
        BinaryPrimitives.WriteInt32BigEndian(target.AsSpan(28), Cdb.BlockLength);
        byte[] segment = new byte[28];
        (segment[0], segment[3], segment[11], segment[27]) = (segmentType, 0x18, 1, 1);
        byte[] list =
        [
            1, 0, (byte)(targets * 32 >> 8), (byte)(targets * 32), 0, 0, 0, 0, 0, 0, (byte)(segments * 28 >> 8), (byte)(segments * 28), 0, 0, 0, 0,
            .. Enumerable.Repeat(target, targets).SelectMany(t => t), .. Enumerable.Repeat(segment, segments).SelectMany(t => t),
        ];
        spoil?.Invoke(list);
        return await RunAsync([0x83, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (byte)(list.Length >> 8), (byte)list.Length, 0, 0], list);
    }

    /// <summary>A write of two blocks whose R2T is answered in one PDU, but not as it asks.</summary>
    public async Task<Answer> AnswerWriteAsync(uint dataSn = 0, uint offset = 0, int length = 1024, uint tagChange = 0, Func<byte[], byte[]>? spoil = null)
    {
        (uint tag, RawPdu r2t) = await _session.StartWriteAsync(0, 2);
        RawPdu data = new(Opcodes.DataOut, Final, new byte[length]) { TaskTag = tag, TransferTag = r2t.TransferTag ^ tagChange };
        (data[36], data[40]) = (dataSn, offset);
        await _session.SendAsync(data, spoil);
        return await AnswerAsync(tag);
    }

    public void Dispose() => _session.Dispose();
}

/// <summary>How a command ended.</summary>
/// <param name="Sense">As it came, without its length.</param>
internal sealed record Answer(byte Status, byte[] Sense, byte[] DataIn)
{
    /// <summary>The sense as key/ASC/ASCQ, with <c>@byte.bit</c> of the field (P: of the parameters), <c>+information</c> and <c>%</c> for a progress.</summary>
    public string Describe()
    {
        if (Sense.Length < 8) return $"status 0x{Status:x2}";
        return (Sense[0] & 0x7F) == 0x70 ? DescribeFixed() : DescribeDescriptors();
    }

    private string DescribeFixed()
    {
        string information = (Sense[0] & 0x80) != 0 ? $"+{BinaryPrimitives.ReadUInt32BigEndian(Sense.AsSpan(3))}" : "";
        return $"{Sense[2] & 0x0F:X}/{Sense[12]:X2}/{Sense[13]:X2}{Specific(Sense[2], Sense.AsSpan(15, 3))}{information}";
    }

    private string DescribeDescriptors()
    {
        string text = $"{Sense[1] & 0x0F:X}/{Sense[2]:X2}/{Sense[3]:X2}";
        for (int at = 8; at < Sense.Length; at += 2 + Sense[at + 1])
        {
            if (Sense[at] == 2) text += Specific(Sense[1], Sense.AsSpan(at + 4, 3));
            if (Sense[at] == 0) text += $"+{BinaryPrimitives.ReadUInt64BigEndian(Sense.AsSpan(at + 4))}";
        }
        return text;
    }

    private static string Specific(byte key, ReadOnlySpan<byte> bytes)
    {
        if ((bytes[0] & 0x80) == 0) return "";
        if ((key & 0x0F) != 5) return "%";
        return $"@{((bytes[0] & 0x40) == 0 ? "P" : "")}{BinaryPrimitives.ReadUInt16BigEndian(bytes[1..])}{((bytes[0] & 0x08) == 0 ? "" : $".{bytes[0] & 7}")}";
    }
}

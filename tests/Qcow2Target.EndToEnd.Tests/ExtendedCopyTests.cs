using System.Buffers.Binary;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>EXTENDED COPY between disks of the daemon: head on, to a disk that is detached meanwhile, aborted, and to what it may not reach.</summary>
public sealed class ExtendedCopyTests(DaemonFixture fixture) : IClassFixture<DaemonFixture>, IAsyncLifetime
{
    private const long SmallBytes = 16 << 20, LargeBytes = 64L << 30;
    private const uint MostOfSegment = 1 << 30;
    private const int UnreachableTarget = 0x0A_08_04, LunResetOccurred = 0x06_29_03;
    private const byte LunReset = 5;
    private readonly DaemonProcess _daemon = fixture.Daemon;
    private readonly string _target = $"iqn.2018-05.local:copy-{Guid.NewGuid():n}";
    private readonly string _other = $"iqn.2018-05.local:copy-other-{Guid.NewGuid():n}";
    private readonly string[] _disks = [.. Enumerable.Range(0, 5).Select(_ => $"{Guid.NewGuid():n}.qcow2")];

    public async Task InitializeAsync()
    {
        for (int i = 0; i < _disks.Length; i++) QemuImg.Create(_daemon.Disk(_disks[i]), i < 3 ? SmallBytes << i : LargeBytes);
        await _daemon.AddTargetAsync(_target);
        await _daemon.AddTargetAsync(_other);
        foreach (int i in new[] { 0, 1, 3, 4 })
        {
            // Zeros take no space where they are detected: a copy of gigabytes takes long and nothing else.
            await _daemon.MustAsync("ATTACH", new { target_name = _target, disk_path = _disks[i], detect_zeroes = i > 2 });
        }
        await _daemon.AttachAsync(_other, _disks[2]);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task Two_copies_head_on_between_disks_of_different_sizes_both_end_and_leave_one_of_the_two_contents()
    {
        await using InitiatorSession one = await ReadyAsync();
        await using InitiatorSession two = await ReadyAsync();
        const int blocks = 16 << 11;   // 16 MiB
        byte[][] contents = [Repeat(0x11), Repeat(0x22)];
        for (int lun = 0; lun < 2; lun++)
        {
            for (int lba = 0; lba < blocks; lba += 2048) await one.MustAsync(Cdb.Write16(lba, contents[lun]) with { Lun = lun });
        }

        byte[][] targets = [await TargetAsync(one, 0), await TargetAsync(one, 1)];
        await Task.WhenAll(one.MustAsync(Copy(targets, (0, 1, SmallBytes))), two.MustAsync(Copy(targets, (1, 0, SmallBytes)) with { Lun = 1 }));

        byte[] read = new byte[1 << 20];
        for (int lun = 0; lun < 2; lun++)
        {
            for (int lba = 0; lba < blocks; lba += 2048)
            {
                await one.MustAsync(Cdb.Read16(lba, read) with { Lun = lun });
                Assert.True(read[0] is 0x11 or 0x22);
                for (int block = 0; block < read.Length; block += 512) Assert.Equal(-1, read.AsSpan(block, 512).IndexOfAnyExcept(read[block]));
            }
        }
        Assert.Equal(0x0A_00_00, (await one.ExecuteAsync(Copy(targets, (1, 0, SmallBytes + 512)))).Sense);   // it does not fit
    }

    [Fact]
    public async Task A_disk_of_another_target_is_out_of_reach()
    {
        await using InitiatorSession session = await ReadyAsync();
        byte[] foreign;
        await using (InitiatorSession other = await InitiatorSession.ReadyAsync(_daemon.Portal, new SessionOptions { TargetName = _other }))
            foreign = await TargetAsync(other, 0);
        byte[] own = await TargetAsync(session, 0);
        Assert.Equal(UnreachableTarget, (await session.ExecuteAsync(Copy([own, foreign], (0, 1, 512)))).Sense);
        Assert.Equal(UnreachableTarget, (await session.ExecuteAsync(Copy([own, foreign], (1, 0, 512)))).Sense);
    }

    [Fact]
    public async Task A_destination_can_be_detached_in_the_middle_and_a_reset_ends_a_copy_at_once()
    {
        await using InitiatorSession session = await ReadyAsync();
        byte[][] targets = [await TargetAsync(session, 2), await TargetAsync(session, 3)];
        (int, int, uint)[] segments = [.. Enumerable.Repeat((0, 1, MostOfSegment), 60)];

        // Aborted: no status comes, and what comes behind finds the disks free.
        InitiatorTask aborted = session.Start(Copy(targets, segments) with { Lun = 2 });
        await UnderWayAsync(session, 1);
        await using (InitiatorSession other = await ReadyAsync())
        {
            Assert.Equal(0, await other.ManageAsync(LunReset, lun: 2));
            Assert.Equal(LunResetOccurred, (await other.ExecuteAsync(Cdb.TestUnitReady() with { Lun = 2 })).Sense);
        }

        await using InitiatorSession fresh = await ReadyAsync();
        InitiatorTask copy = fresh.Start(Copy(targets, segments, id: 2) with { Lun = 2 });
        await UnderWayAsync(fresh, 2);
        await _daemon.DetachAsync(_target, 3).WaitAsync(TimeSpan.FromSeconds(10));
        ScsiResult result = await copy.Result.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(0x0A, result.Sense >> 16);
        Assert.True(QemuImg.Check(_daemon.Disk(_disks[4]), out string words) == CheckVerdict.Clean, words);
    }

    private async Task<InitiatorSession> ReadyAsync()
    {
        InitiatorSession session = await InitiatorSession.ReadyAsync(_daemon.Portal, new SessionOptions { TargetName = _target });
        for (int lun = 1; lun < 4; lun++) await session.TakeUnitAttentionsAsync(lun);
        return session;
    }

    /// <summary>Waits until COPY STATUS tells of bytes that were copied.</summary>
    private static async Task UnderWayAsync(InitiatorSession session, byte id)
    {
        byte[] status = new byte[12];
        for (int i = 0; BinaryPrimitives.ReadUInt32BigEndian(status.AsSpan(8)) == 0; i++)
        {
            Assert.True(i < 10_000, "the copy does not begin");
            await session.ExecuteAsync(new ScsiCommand([0x84, 0x00, id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0]) { DataIn = status, Lun = 2 });
        }
        Assert.Equal(0, status[4]);   // in progress
    }

    private static byte[] Repeat(byte value) => [.. Enumerable.Repeat(value, 1 << 20)];

    /// <summary>An identification descriptor of the first designator of VPD page 83h.</summary>
    private static async Task<byte[]> TargetAsync(InitiatorSession session, int lun)
    {
        byte[] page = new byte[255];
        await session.ExecuteAsync(Cdb.Inquiry(0x83, page) with { Lun = lun });
        byte[] descriptor = new byte[32];
        descriptor[0] = 0xE4;
        page.AsSpan(4, 4 + page[7]).CopyTo(descriptor.AsSpan(4));
        BinaryPrimitives.WriteInt32BigEndian(descriptor.AsSpan(28), 512);
        return descriptor;
    }

    /// <summary>Bytes from the start of one disk to the start of another, with segments of type 0Ah.</summary>
    private static ScsiCommand Copy(byte[][] targets, (int From, int To, long Bytes) segment) => Copy(targets, [(segment.From, segment.To, (uint)segment.Bytes)]);

    private static ScsiCommand Copy(byte[][] targets, (int From, int To, uint Bytes)[] segments, byte id = 1)
    {
        byte[] list = new byte[16 + (32 * targets.Length) + (32 * segments.Length)];
        list[0] = id;
        BinaryPrimitives.WriteInt16BigEndian(list.AsSpan(2), (short)(32 * targets.Length));
        BinaryPrimitives.WriteInt32BigEndian(list.AsSpan(8), 32 * segments.Length);
        for (int i = 0; i < targets.Length; i++) targets[i].CopyTo(list, 16 + (32 * i));
        for (int i = 0; i < segments.Length; i++)
        {
            Span<byte> segment = list.AsSpan(16 + (32 * (targets.Length + i)), 32);
            segment[0] = 0x0A;
            segment[3] = 0x1C;
            segment[5] = (byte)segments[i].From;
            segment[7] = (byte)segments[i].To;
            BinaryPrimitives.WriteUInt32BigEndian(segment[8..], segments[i].Bytes);
        }
        byte[] cdb = new byte[16];
        cdb[0] = 0x83;
        BinaryPrimitives.WriteInt32BigEndian(cdb.AsSpan(10), list.Length);
        return new ScsiCommand(cdb) { DataOut = list };
    }
}

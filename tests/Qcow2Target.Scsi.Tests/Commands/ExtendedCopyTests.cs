using System.Buffers.Binary;
using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class ExtendedCopyTests
{
    private const ulong Lun1 = 1UL << 48;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private readonly Bench _bench = new();
    private readonly MemoryBlockDevice _second = new();
    private readonly LogicalUnit _secondUnit;
    private readonly ManualTime _time = new();

    public ExtendedCopyTests()
    {
        _secondUnit = new LogicalUnit(_second, LogicalUnitIdentity.FromSeed("second"), new LogicalUnitSettings { Time = _time });
        _bench.Map = _bench.Map.With(1, _secondUnit);
        _bench.Refusal([0x00], lun: Lun1);
        TestCdb.Pattern(_bench.Device.Bytes.Length, 1).CopyTo(_bench.Device.Bytes, 0);
    }

    private static byte[] Cdb(int length) => [0x83, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (byte)(length >> 8), (byte)length, 0, 0];

    /// <summary>The descriptor of a unit as an initiator makes it: from the first NAA designator of VPD page 83h.</summary>
    private byte[] Target(ulong lun, int blockBytes = 512)
    {
        byte[] page = _bench.Data([0x12, 1, 0x83, 0, 255], lun);
        byte[] descriptor = new byte[32];
        descriptor[0] = 0xE4;
        page.AsSpan(4, 4 + page[7]).CopyTo(descriptor.AsSpan(4));
        BinaryPrimitives.WriteInt32BigEndian(descriptor.AsSpan(28), blockBytes);
        return descriptor;
    }

    private static byte[] Segment(ushort source, ushort destination, ulong from, ulong to, ushort blocks)
    {
        byte[] segment = new byte[28];
        segment[0] = 0x02;
        segment[3] = 0x18;
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(4), source);
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(6), destination);
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(10), blocks);
        BinaryPrimitives.WriteUInt64BigEndian(segment.AsSpan(12), from);
        BinaryPrimitives.WriteUInt64BigEndian(segment.AsSpan(20), to);
        return segment;
    }

    private static byte[] Offsets(ulong from, ushort fromBytes, ulong to, ushort toBytes, uint bytes)
    {
        byte[] segment = [.. Segment(0, 1, from, to, 0), 0, 0, 0, 0];
        segment[0] = 0x0A;
        segment[3] = 0x1C;
        BinaryPrimitives.WriteUInt32BigEndian(segment.AsSpan(8), bytes);
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(28), fromBytes);
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(30), toBytes);
        return segment;
    }

    private static byte[] List(byte[][] targets, byte[][] segments, byte id = 1, byte usage = 0)
    {
        byte[] list = [id, (byte)(usage << 3), .. new byte[14], .. targets.SelectMany(t => t), .. segments.SelectMany(s => s)];
        BinaryPrimitives.WriteUInt16BigEndian(list.AsSpan(2), (ushort)targets.Sum(t => t.Length));
        BinaryPrimitives.WriteInt32BigEndian(list.AsSpan(8), segments.Sum(s => s.Length));
        return list;
    }

    private string Copy(byte[][] targets, params byte[][] segments) => Send(List(targets, segments));

    private string Send(byte[] list) => _bench.Refusal(Cdb(list.Length), list);

    [Fact]
    public void Copies_blocks_from_one_unit_to_another()
    {
        Assert.Equal("Good", Copy([Target(0), Target(Lun1)], Segment(0, 1, 3, 5, 1000), Segment(0, 1, 0, 8191, 1)));

        Assert.Equal(_bench.Device.Bytes.AsSpan(3 * 512, 512000).ToArray(), _second.Bytes.AsSpan(5 * 512, 512000).ToArray());
        Assert.Equal(_bench.Device.Bytes.AsSpan(0, 512).ToArray(), _second.Bytes.AsSpan(8191 * 512).ToArray());
        Assert.Equal(-1, _second.Bytes.AsSpan(0, 5 * 512).IndexOfAnyExcept((byte)0));
    }

    [Theory]
    [InlineData(0, 700)]
    [InlineData(700, 0)]
    [InlineData(100, 101)]
    public void Copies_within_one_unit_also_where_the_ranges_overlap(ulong from, ulong to)
    {
        byte[] before = _bench.Device.Bytes.AsSpan((int)from * 512, 2000 * 512).ToArray();
        Assert.Equal("Good", Copy([Target(0)], Segment(0, 0, from, to, 2000)));
        Assert.Equal(before, _bench.Device.Bytes.AsSpan((int)to * 512, before.Length).ToArray());
    }

    [Theory]
    [InlineData(0, 0, 1024u)]
    [InlineData(5, 0, 512u)]
    [InlineData(0, 7, 3u)]
    [InlineData(511, 1, 300_000u)]
    public void Offsets_and_lengths_may_be_bytes(ushort fromBytes, ushort toBytes, uint bytes)
    {
        TestCdb.Pattern(_second.Bytes.Length, 2).CopyTo(_second.Bytes, 0);
        byte[] expected = [.. _second.Bytes];
        _bench.Device.Bytes.AsSpan((2 * 512) + fromBytes, (int)bytes).CopyTo(expected.AsSpan((9 * 512) + toBytes));

        Assert.Equal("Good", Copy([Target(0), Target(Lun1)], Offsets(2, fromBytes, 9, toBytes, bytes)));

        Assert.Equal(expected, _second.Bytes);
    }

    [Fact]
    public void Lists_are_judged_in_the_order_that_initiators_observe()
    {
        byte[][] two = [Target(0), Target(Lun1)];
        byte[] segment = Segment(0, 1, 0, 0, 1);
        Assert.Equal("Good", _bench.Refusal(Cdb(0)));
        Assert.Equal("5/1A/00", _bench.Refusal(Cdb(15), new byte[15]));
        Assert.Equal("5/1A/00", _bench.Refusal(Cdb(200), List(two, [segment])));
        Assert.Equal("5/1A/00", Send(List(two, [segment])[..^1]));
        Assert.Equal("5/1A/00", Send(List([.. Enumerable.Repeat(two[0], 200)], [])));
        Assert.Equal("5/26/06", Send(List([.. Enumerable.Repeat(two[0], 17)], [segment])));
        Assert.Equal("5/26/08", Send(List(two, [.. Enumerable.Repeat(segment, 65)])));
        Assert.Equal("5/26/07", Send(List([[0xE5, .. two[0][1..]], two[1]], [segment])));
        Assert.Equal("5/26/00@P17.5", Send(List([[0xE4, 0x20, .. two[0][2..]], two[1]], [segment])));   // a null device is no unit
        Assert.Equal("Good", Send(List([[0xE4, 0xC0, .. two[0][2..]], two[1]], [segment])));              // LU ID TYPE is not looked at
        Assert.Equal("5/26/09", Send(List(two, [[0x03, .. segment[1..]]])));
        Assert.Equal("5/26/00@P82", Send(List(two, [[.. segment[..3], 0x17, .. segment[4..]]])));
        Assert.Equal("5/26/00@P1.4", Send(List(two, [segment], usage: 1)));
        Assert.Equal("5/26/00@P0", Send(List(two, [segment], usage: 3)));
        Assert.Equal("Good", Send(List(two, [segment], id: 0, usage: 3)));
    }

    [Fact]
    public void Units_that_are_not_there_and_ranges_beyond_the_end_abort_the_copy()
    {
        byte[] stranger = Target(0);
        stranger[15] ^= 1;
        Assert.Equal("A/08/04", Copy([stranger, Target(Lun1)], Segment(0, 1, 0, 0, 1)));
        Assert.Equal("A/08/04", Copy([Target(0, 4096), Target(Lun1)], Segment(0, 1, 0, 0, 1)));
        Assert.Equal("A/08/04", Copy([Target(0), Target(Lun1)], Segment(0, 2, 0, 0, 1)));
        Assert.Equal("A/00/00", Copy([Target(0), Target(Lun1)], Segment(0, 1, 8192, 0, 1)));
        Assert.Equal("A/00/00", Copy([Target(0), Target(Lun1)], Segment(0, 1, 0, ulong.MaxValue, 1)));
        Assert.Equal(-1, _second.Bytes.AsSpan().IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void A_name_that_two_units_have_reaches_none_of_them()
    {
        var twin = new MemoryBlockDevice();
        _bench.Map = _bench.Map.With(2, new LogicalUnit(twin, _secondUnit.Identity));
        byte[][] both = [Target(0), Target(Lun1)];

        Assert.Equal("A/08/04", Copy(both, Segment(0, 1, 0, 0, 8)));
        Assert.Equal("A/08/04", Copy(both, Segment(1, 0, 0, 0, 8)));

        Assert.Empty(_second.Writes);
        Assert.Empty(twin.Writes);
        Assert.Equal("Good", Copy(both, Segment(0, 0, 0, 8, 8)));
    }

    [Fact]
    public void A_nexus_copies_only_what_it_may_read_and_write_itself()
    {
        ItNexus other = _bench.NewNexus();
        _bench.Refusal([0x00], lun: Lun1, nexus: other);
        Assert.Equal("Good", _bench.Refusal([0x16], lun: Lun1, nexus: other));
        Assert.Equal("ReservationConflict", Copy([Target(0), Target(Lun1)], Segment(0, 1, 0, 0, 1)));
        Assert.Equal("Good", _bench.Refusal([0x17], lun: Lun1, nexus: other));

        _second.Shape = _second.Shape with { IsReadOnly = true };
        Assert.Equal("7/27/00", Copy([Target(0), Target(Lun1)], Segment(0, 1, 0, 0, 1)));
        Assert.Equal("Good", Copy([Target(0), Target(Lun1)], Segment(1, 0, 0, 0, 1)));
        _second.ReadFault = BlockDeviceFault.ReadError;
        Assert.Equal("A/0D/01", Copy([Target(0), Target(Lun1)], Segment(1, 0, 0, 0, 1)));
    }

    [Fact]
    public void A_reservation_that_comes_while_it_runs_ends_the_copy()
    {
        ItNexus other = _bench.NewNexus();
        _bench.Refusal([0x00], lun: Lun1, nexus: other);
        _second.BeforeAsync = () => _bench.Run([0x16], lun: Lun1, nexus: other);

        Assert.Equal("ReservationConflict", Copy([Target(0), Target(Lun1)], Segment(0, 1, 0, 0, 4096)));

        Assert.Equal([(0, ScsiLimits.PieceBytes)], _second.Writes);
    }

    [Fact]
    public async Task An_abort_ends_the_copy_at_the_next_piece_and_its_outcome_is_a_failure()
    {
        using var abort = new CancellationTokenSource();
        _second.BeforeAsync = abort.Cancel;
        byte[] list = List([Target(0), Target(Lun1)], [Segment(0, 1, 0, 0, 4096)]);
        CommandPlan plan = _bench.Begin(Cdb(list.Length), list.Length);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await plan.ExecuteAsync(list, abort.Token));

        Assert.Single(_second.Writes);
        Assert.Equal(2, _bench.Data([0x84, 0x00, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0])[4]);
    }

    [Fact]
    public void A_protection_that_comes_while_it_runs_ends_the_copy()
    {
        _second.BeforeAsync = () => _second.Shape = _second.Shape with { IsReadOnly = true };

        Assert.Equal("7/27/00", Copy([Target(0), Target(Lun1)], Segment(0, 1, 0, 0, 4096)));

        Assert.Single(_second.Writes);
    }

    [Fact]
    public async Task Preempt_and_abort_waits_for_the_piece_of_a_copy_that_came_to_another_unit()
    {
        using var stuck = new StuckCopy(this, _second);

        Task<ScsiOutcome> preempt = stuck.PreemptAndAbort();

        Assert.False(preempt.IsCompleted);
        stuck.GoOn();
        Assert.Same(ScsiOutcome.Good, await preempt.WaitAsync(Limit));
        int written = _second.Writes.Count;
        Assert.Equal("ReservationConflict", await stuck.Copy.WaitAsync(Limit));
        Assert.Equal(written, _second.Writes.Count);
    }

    [Fact]
    public async Task Preempt_and_abort_does_not_wait_for_a_copy_that_reads_another_unit_and_lets_it_write_no_more()
    {
        using var stuck = new StuckCopy(this, _bench.Device);

        Assert.Same(ScsiOutcome.Good, await stuck.PreemptAndAbort().WaitAsync(Limit));

        stuck.GoOn();
        Assert.Equal("ReservationConflict", await stuck.Copy.WaitAsync(Limit));
        Assert.Empty(_second.Writes);
    }

    [Fact]
    public async Task Preempt_and_abort_waits_for_a_piece_no_longer_than_patience_lasts_and_what_is_written_then_comes_after_it()
    {
        using var stuck = new StuckCopy(this, _second);
        Task<ScsiOutcome> preempt = stuck.PreemptAndAbort();
        _time.Fire(ScsiLimits.AbortPatience);
        Assert.Same(ScsiOutcome.Good, await preempt.WaitAsync(Limit));
        byte[] block = TestCdb.Pattern(512, 9);
        CommandPlan plan = _bench.Begin([0x2A, 0, 0, 0, 0, 7, 0, 0, 1, 0], block.Length, Lun1, stuck.Preemptor);
        Task<ScsiOutcome> write = Bench.RunAsync(plan, block, default).AsTask();

        Assert.False(write.IsCompleted);
        stuck.GoOn();
        Assert.Same(ScsiOutcome.Good, await write.WaitAsync(Limit));
        Assert.Equal("ReservationConflict", await stuck.Copy.WaitAsync(Limit));
        Assert.Equal(block, _second.Bytes.AsSpan(7 * 512, 512).ToArray());
    }

    [Fact]
    public async Task No_write_to_the_source_comes_into_a_piece_while_it_is_read()
    {
        byte[] before = [.. _bench.Device.Bytes.AsSpan(0, 4096)];
        Task<ScsiOutcome>? write = null;
        bool? cameIn = null;
        _bench.Device.BeforeAsync = () =>
        {
            if (write is not null)
                return;
            write = Task.FromResult(ScsiOutcome.Good);
            byte[] blocks = new byte[4096];
            write = Bench.RunAsync(_bench.Begin([0x2A, 0, 0, 0, 0, 0, 0, 0, 8, 0], blocks.Length, nexus: _bench.NewNexus()), blocks, default).AsTask();
            cameIn = write.IsCompleted;
        };

        Assert.Equal("Good", Copy([Target(0), Target(Lun1)], Segment(0, 1, 0, 0, 8)));

        Assert.False(cameIn);
        Assert.Same(ScsiOutcome.Good, await write!.WaitAsync(Limit));
        Assert.Equal(before, _second.Bytes.AsSpan(0, 4096).ToArray());
        Assert.Equal(-1, _bench.Device.Bytes.AsSpan(0, 4096).IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public async Task Copies_head_on_both_come_to_their_end()
    {
        byte[][] both = [Target(0), Target(Lun1)];
        Task<string>[] copies = [.. Enumerable.Range(0, 4).Select(i => Task.Run(() =>
            Send(List(both, [Segment((ushort)(i & 1), (ushort)(1 - (i & 1)), 0, 0, 8000), Segment((ushort)(1 - (i & 1)), (ushort)(i & 1), 100, 100, 8000)], id: (byte)i))))];

        Assert.All(await Task.WhenAll(copies).WaitAsync(TimeSpan.FromSeconds(30)), outcome => Assert.Equal("Good", outcome));
    }

    [Fact]
    public void Another_unit_that_has_gone_is_not_told_as_if_the_asked_one_had()
    {
        byte[][] both = [Target(0), Target(Lun1)];
        _secondUnit.Availability = UnitAvailability.BecomingReady;
        Assert.Equal("A/08/04", Copy(both, Segment(0, 1, 0, 0, 1)));
        _secondUnit.Retire();
        Assert.Equal("A/08/04", Copy(both, Segment(0, 1, 0, 0, 1)));
        Assert.Equal("Good", _bench.Refusal([0x00]));
    }

    [Theory]
    [InlineData(BlockDeviceFault.NoSpace, "7/27/07")]
    [InlineData(BlockDeviceFault.WriteProtected, "7/27/00")]
    [InlineData(BlockDeviceFault.Fenced, "Busy")]
    [InlineData(BlockDeviceFault.Gone, "A/0D/01")]
    [InlineData(BlockDeviceFault.WriteError, "A/0D/01")]
    public void A_fault_of_the_destination_is_told(BlockDeviceFault fault, string outcome)
    {
        _second.WriteFault = fault;
        Assert.Equal(outcome, Copy([Target(0), Target(Lun1)], Segment(0, 1, 0, 0, 1)));
    }

    [Fact]
    public void An_identifier_that_is_in_use_is_refused()
    {
        byte[] list = List([Target(0), Target(Lun1)], [Segment(0, 1, 0, 0, 1)]);
        string? second = null;
        _second.BeforeAsync = () => second ??= Send(list);

        Assert.Equal("Good", Send(list));

        Assert.Equal("5/00/16", second);
    }

    [Fact]
    public void The_outcome_is_held_until_it_is_read_or_the_identifier_used_again()
    {
        byte[] Status(byte id) => [0x84, 0x00, id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0];
        Assert.Equal("5/24/00@2", _bench.Refusal(Status(1)));
        Assert.Equal("Good", Copy([Target(0), Target(Lun1)], Segment(0, 1, 0, 0, 2), Segment(0, 1, 4, 4, 1)));
        Assert.Equal("Good", Copy([Target(0), Target(Lun1)], Segment(0, 1, 0, 0, 2)));
        Assert.Equal([0, 0, 0, 8, 1, 0, 1, 0, 0, 0, 4, 0], _bench.Data(Status(1)));
        Assert.Equal("5/24/00@2", _bench.Refusal(Status(1)));

        Assert.Equal("A/00/00", Copy([Target(0), Target(Lun1)], Segment(0, 1, 0, 0, 2), Segment(0, 1, 8192, 0, 1)));
        Assert.Equal([0, 0, 0, 8, 2, 0, 1, 0, 0, 0, 4, 0], _bench.Data(Status(1)));
        Assert.Equal("Good", Send(List([Target(0), Target(Lun1)], [Segment(0, 1, 0, 0, 2)], usage: 2)));
        Assert.Equal("5/24/00@2", _bench.Refusal(Status(1)));
    }

    [Fact]
    public void The_operating_parameters_are_the_limits_that_are_kept()
    {
        byte[] data = _bench.Data([0x84, 0x03, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0]);
        Assert.Equal(data.Length - 4, BinaryPrimitives.ReadInt32BigEndian(data));
        int targets = BinaryPrimitives.ReadUInt16BigEndian(data.AsSpan(8));
        int segments = BinaryPrimitives.ReadUInt16BigEndian(data.AsSpan(10));
        int list = BinaryPrimitives.ReadInt32BigEndian(data.AsSpan(12));
        Assert.Equal((16, 64), (targets, segments));
        Assert.True(((targets + 1) * 32) + 28 <= list && 32 + ((segments + 1) * 28) <= list);
        Assert.Equal([3, 0x02, 0x0A, 0xE4], data[43..]);
    }

    // EXTENDED COPY (LID4) and its RECEIVE COPY STATUS have lists of another form and wider identifiers.
    [Theory]
    [InlineData(0x83, 0x01)]
    [InlineData(0x83, 0x1C)]
    [InlineData(0x84, 0x05)]
    [InlineData(0x84, 0x01)]
    [InlineData(0x84, 0x04)]
    public void The_forms_that_are_not_offered_are_refused_at_their_service_action_and_not_listed(byte opcode, byte serviceAction)
    {
        byte[] cdb = [opcode, serviceAction, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 48, 0, 0];
        Assert.Equal("5/24/00@1.4", _bench.Refusal(cdb, new byte[48]));
        byte[] support = _bench.Data([0xA3, 0x0C, 0x02, opcode, 0, serviceAction, 0, 0, 0, 255, 0, 0]);
        Assert.Equal(1, support[1] & 0x07);
    }

    [Fact]
    public void Initiators_find_the_commands_in_inquiry_and_its_pages()
    {
        Assert.Equal(0x08, _bench.Data([0x12, 0, 0, 0, 36])[5] & 0x08);
        Assert.Equal([0, 0x8F, 0, 12, 0, 1, 0, 8, 7, 0x83, 1, 0, 0x84, 2, 0, 3], _bench.Data([0x12, 1, 0x8F, 0, 255]));
    }

    /// <summary>A copy from the first unit to the second that waits for one of their disks, and who may preempt it on the second.</summary>
    private sealed class StuckCopy : IDisposable
    {
        private readonly Bench _bench;
        private readonly ManualResetEventSlim _inside = new();
        private readonly ManualResetEventSlim _goOn = new();

        public StuckCopy(ExtendedCopyTests test, MemoryBlockDevice at)
        {
            _bench = test._bench;
            Preemptor = _bench.NewNexus();
            foreach ((ItNexus nexus, ulong key) in new[] { (_bench.Nexus, 0xAUL), (Preemptor, 0xBUL) })
            {
                _bench.Run([0x00], lun: Lun1, nexus: nexus);
                Assert.Equal("Good", _bench.Refusal(ReserveOut.Cdb(0, 0, 24), ReserveOut.List(0, key), lun: Lun1, nexus: nexus));
            }

            Assert.Equal("Good", _bench.Refusal(ReserveOut.Cdb(1, 5, 24), ReserveOut.List(0xA, 0), lun: Lun1));
            at.BeforeAsync = () =>
            {
                _inside.Set();
                Assert.True(_goOn.Wait(Limit));
            };
            Copy = Task.Run(() => test.Copy([test.Target(0), test.Target(Lun1)], Segment(0, 1, 0, 0, 4096)));
            Assert.True(_inside.Wait(Limit));
        }

        public ItNexus Preemptor { get; }

        public Task<string> Copy { get; }

        public Task<ScsiOutcome> PreemptAndAbort() =>
            _bench.Begin(ReserveOut.Cdb(5, 5, 24), 24, Lun1, Preemptor).ExecuteAsync(ReserveOut.List(0xB, 0xA), default).AsTask();

        public void GoOn() => _goOn.Set();

        public void Dispose()
        {
            _goOn.Set();
            _inside.Dispose();
        }
    }
}

using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class FormatUnitTests
{
    private const byte FormatData = 0x10;
    private const byte LongList = 0x20;
    private const byte FormatOptionsValid = 0x80;
    private const byte Pattern = 0x08;
    private const byte Immediate = 0x02;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly Bench _bench = new(new MemoryBlockDevice(blocks: 2048));

    public FormatUnitTests() => _bench.Run(TestCdb.Ten(0x2A, 0, 1), TestCdb.Pattern(512, 1));

    private string Send(byte flags, params byte[] list) => _bench.Refusal([0x04, flags], list);

    private bool IsZero() => _bench.Device.Bytes.AsSpan().IndexOfAnyExcept((byte)0) < 0;

    [Fact]
    public void Without_a_list_every_block_reads_as_zeros_and_holds_no_space()
    {
        Assert.Equal("Good", _bench.Refusal([0x04]));
        Assert.True(IsZero());
        Assert.All(_bench.Device.Zeroed, zeroed => Assert.Equal(ZeroMode.FreeSpace, zeroed.Mode));
        Assert.Equal(1, _bench.Device.Flushes);
    }

    [Fact]
    public void Without_a_list_the_bits_about_it_count_for_nothing() => Assert.Equal("Good", _bench.Refusal([0x04, LongList | 0x0F]));

    // sg_format sends 18h in byte 1 and a short header, or 38h and a long one; DCRT with FOV, IMMED unless it is told to wait.
    [Theory]
    [InlineData(new byte[] { 0x04, 0x18 }, new byte[] { 0, 0, 0, 0 })]
    [InlineData(new byte[] { 0x04, 0x38 }, new byte[] { 0, 0, 0, 0, 0, 0, 0, 0 })]
    [InlineData(new byte[] { 0x04, 0x18 }, new byte[] { 0, 0xA0, 0, 0 })]
    [InlineData(new byte[] { 0x04, 0x10 }, new byte[] { 0, 0xF4, 0, 0 })]
    [InlineData(new byte[] { 0x04, 0x13 }, new byte[] { 0, 0, 0, 0 })]
    [InlineData(new byte[] { 0x04, 0x10 }, new byte[] { 0, 0x88, 0, 0, 0, 0, 0, 0 })]
    [InlineData(new byte[] { 0x04, 0x10 }, new byte[] { 0, 0x88, 0, 0, 0, 1, 0, 2, 0, 0 })]
    public void With_an_empty_defect_list_and_the_default_pattern_it_is_the_same(byte[] cdb, byte[] list)
    {
        Assert.Equal("Good", _bench.Refusal(cdb, list));
        Assert.True(IsZero());
        Assert.Empty(_bench.Device.Writes);
    }

    [Theory]
    [InlineData(FormatData)]
    [InlineData(FormatData | LongList)]
    public void An_initialization_pattern_is_repeated_over_each_block(byte flags)
    {
        byte[] header = new byte[(flags & LongList) != 0 ? 8 : 4];
        header[1] = FormatOptionsValid | Pattern;
        Assert.Equal("Good", Send(flags, [.. header, 0, 1, 0, 3, 1, 2, 3]));
        for (int block = 0; block < 2048; block++)
        {
            Assert.Equal([1, 2, 3, 1], _bench.Device.Bytes.AsSpan(block * 512, 4).ToArray());
            Assert.Equal([1, 2], _bench.Device.Bytes.AsSpan((block * 512) + 510, 2).ToArray());
        }
    }

    [Theory]
    [InlineData("5/1A/00", FormatData, new byte[0])]
    [InlineData("5/1A/00", FormatData, new byte[] { 0, 0, 0 })]
    [InlineData("5/1A/00", FormatData | LongList, new byte[] { 0, 0, 0, 0, 0, 0, 0 })]
    [InlineData("5/26/00@P0.0", FormatData, new byte[] { 1, 0, 0, 0 })]
    [InlineData("5/26/00@P0.2", FormatData, new byte[] { 7, 0, 0, 0 })]
    [InlineData("5/26/00@P0.7", FormatData, new byte[] { 0x80, 0, 0, 0 })]
    [InlineData("5/26/00@P1.0", FormatData, new byte[] { 0, 1, 0, 0 })]
    [InlineData("5/26/00@P1.6", FormatData, new byte[] { 0, 0x40, 0, 0 })]
    [InlineData("5/26/00@P1.5", FormatData, new byte[] { 0, 0x20, 0, 0 })]
    [InlineData("5/26/00@P1.4", FormatData, new byte[] { 0, 0x10, 0, 0 })]
    [InlineData("5/26/00@P1.3", FormatData, new byte[] { 0, 0x08, 0, 0 })]
    [InlineData("5/26/00@P1.2", FormatData, new byte[] { 0, 0x04, 0, 0 })]
    [InlineData("5/26/00@P2", FormatData, new byte[] { 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1 })]
    [InlineData("5/26/00@P2.0", FormatData | LongList, new byte[] { 0, 0, 1, 0, 0, 0, 0, 0 })]
    [InlineData("5/26/00@P3.4", FormatData | LongList, new byte[] { 0, 0, 0, 0x10, 0, 0, 0, 0 })]
    [InlineData("5/26/00@P3.0", FormatData | LongList, new byte[] { 0, 0, 0, 1, 0, 0, 0, 0 })]
    [InlineData("5/26/00@P4", FormatData | LongList, new byte[] { 0, 0, 0, 0, 0, 0, 0, 8 })]
    [InlineData("5/1A/00", FormatData, new byte[] { 0, 0x88, 0, 0, 0, 0, 0 })]
    [InlineData("5/26/00@P4.5", FormatData, new byte[] { 0, 0x88, 0, 0, 0x20, 0, 0, 0 })]
    [InlineData("5/26/00@P4.7", FormatData, new byte[] { 0, 0x88, 0, 0, 0xC0, 0, 0, 0 })]
    [InlineData("5/26/00@P5", FormatData, new byte[] { 0, 0x88, 0, 0, 0, 2, 0, 0 })]
    [InlineData("5/26/00@P5", FormatData, new byte[] { 0, 0x88, 0, 0, 0, 0x80, 0, 0 })]
    [InlineData("5/26/00@P6", FormatData, new byte[] { 0, 0x88, 0, 0, 0, 0, 0, 1, 9 })]
    [InlineData("5/26/00@P6", FormatData, new byte[] { 0, 0x88, 0, 0, 0, 1, 0, 0 })]
    [InlineData("5/26/00@P6", FormatData, new byte[] { 0, 0x88, 0, 0, 0, 1, 2, 1, 9 })]
    [InlineData("5/1A/00", FormatData, new byte[] { 0, 0x88, 0, 0, 0, 1, 0, 2, 9 })]
    public void A_list_that_asks_for_more_is_refused_by_its_field_and_nothing_is_formatted(string sense, byte flags, byte[] list)
    {
        Assert.Equal(sense, Send(flags, list));
        Assert.Empty(_bench.Device.Zeroed);
        Assert.Empty(_bench.Device.Writes);
        Assert.False(IsZero());
    }

    [Theory]
    [InlineData("5/24/00@1.7", 0x80, 0)]
    [InlineData("5/24/00@1.7", 0x50, 0)]
    [InlineData("5/24/00@1.2", 0x11, 0)]
    [InlineData("5/24/00@1.2", 0x14, 0)]
    [InlineData("5/24/00@1.2", 0x17, 0)]
    [InlineData("5/24/00@4.1", 0x00, 1)]
    public void A_cdb_that_asks_for_more_is_refused_by_its_field(string sense, byte flags, byte fast)
    {
        Assert.Equal(sense, _bench.Refusal([0x04, flags, 0, 0, fast], new byte[4]));
        Assert.Empty(_bench.Device.Zeroed);
    }

    [Fact]
    public void Any_list_ends_in_good_or_sense_and_never_in_an_exception()
    {
        var random = new Random(4);
        for (int i = 0; i < 2000; i++)
        {
            byte[] list = new byte[random.Next(2, 24)];
            random.NextBytes(list);
            list[0] = 0;
            list[1] &= 0xFF - Immediate;
            Assert.Matches("^(Good|5/(26|1A)/00.*)$", Send((byte)(FormatData | (random.Next(2) * LongList)), list));
        }
    }

    [Fact]
    public void A_medium_that_takes_no_writes_is_not_formatted()
    {
        var bench = new Bench(new MemoryBlockDevice(isReadOnly: true));
        Assert.Equal("7/27/00", bench.Refusal([0x04]));
        Assert.Equal("7/27/00", bench.Refusal([0x04, FormatData], new byte[4]));
    }

    [Fact]
    public void A_format_that_failed_leaves_a_medium_like_any_other()
    {
        _bench.Device.WriteFault = BlockDeviceFault.WriteError;
        Assert.Equal("3/0C/00", _bench.Refusal([0x04]));
        Assert.Equal("Good", _bench.Refusal([0x00]));
    }

    [Fact]
    public async Task While_the_unit_is_formatted_commands_are_told_how_far_it_is()
    {
        var gate = new TaskCompletionSource();
        _bench.Device.FlushGate = gate.Task;
        Task<ScsiOutcome> format = Bench.RunAsync(_bench.Begin([0x04]), [], default).AsTask();

        Assert.Equal("2/04/04", _bench.Refusal([0x00]));
        Assert.Equal("2/04/04", _bench.Refusal([0x04]));
        gate.SetResult();

        Assert.Same(ScsiOutcome.Good, await format.WaitAsync(Limit));
        Assert.Equal("Good", _bench.Refusal([0x00]));
    }

    [Fact]
    public async Task Immed_has_its_status_at_once_and_request_sense_tells_the_progress()
    {
        var gate = new TaskCompletionSource();
        _bench.Device.FlushGate = gate.Task;
        Assert.Equal("Good", Send(FormatData, 0, Immediate, 0, 0));

        Assert.Equal("2/04/04", _bench.Refusal([0x00]));
        byte[] sense = _bench.Data([0x03, 0, 0, 0, 18]);
        Assert.Equal((2, 0x04, 0x04, 0x80), (sense[2], sense[12], sense[13], sense[15]));

        Task over = _bench.Unit.Medium.Operation!.Completion;
        gate.SetResult();
        await over.WaitAsync(Limit);
        Assert.Equal("Good", _bench.Refusal([0x00]));
        Assert.True(IsZero());
    }
}

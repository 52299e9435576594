using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class ModeSelectTests
{
    private readonly Bench _bench = new();

    private byte[] Page(byte code) => _bench.Data([0x1A, 0x08, code, 0, 255]).AsSpan(4).ToArray();

    private string Select(byte[] list, byte flags = 0x10) => _bench.Refusal([0x15, flags, 0, 0, (byte)list.Length], list);

    private string Select10(byte[] list) => _bench.Refusal([0x55, 0x10, 0, 0, 0, 0, 0, 0, (byte)list.Length], list);

    private static byte[] With(byte[] bytes, int offset, byte value)
    {
        byte[] changed = [.. bytes];
        changed[offset] = value;
        return changed;
    }

    [Fact]
    public void Software_write_protect_can_be_set_and_cleared()
    {
        byte[] page = Page(0x0A);

        Assert.Equal("Good", Select([0, 0, 0, 0, .. With(page, 4, 0x08)]));
        Assert.Equal("7/27/02", _bench.Refusal(TestCdb.Ten(0x2A, 0, 1), new byte[512]));
        Assert.Equal(512, _bench.Data(TestCdb.Ten(0x28, 0, 1)).Length);
        Assert.Equal("Good", Select([0, 0, 0, 0, .. page]));
        Assert.Equal("Good", _bench.Refusal(TestCdb.Ten(0x2A, 0, 1), new byte[512]));
    }

    [Fact]
    public void Descriptor_sense_can_be_set()
    {
        Assert.Equal("Good", Select10([0, 0, 0, 0, 0, 0, 0, 0, .. With(Page(0x0A), 2, 0x04)]));

        Assert.Equal(0x72, _bench.Run(TestCdb.Ten(0x28, 9000, 1)).Sense.Span[0]);
    }

    [Fact]
    public void Clearing_the_write_cache_flushes_and_makes_writes_durable()
    {
        Assert.Equal("Good", Select([0, 0, 0, 0, .. With(Page(0x08), 2, 0)]));
        Assert.Equal(1, _bench.Device.Flushes);

        _bench.Run(TestCdb.Ten(0x2A, 0, 1), new byte[512]);
        Assert.Equal(2, _bench.Device.Flushes);

        Assert.Equal("Good", Select([0, 0, 0, 0, .. With(Page(0x08), 2, 4)]));
        _bench.Run(TestCdb.Ten(0x2A, 0, 1), new byte[512]);
        Assert.Equal(2, _bench.Device.Flushes);
    }

    [Fact]
    public void Protecting_the_unit_flushes_what_was_written_before()
    {
        Assert.Equal("Good", Select([0, 0, 0, 0, .. With(Page(0x0A), 4, 0x08)]));
        Assert.Equal(1, _bench.Device.Flushes);

        Assert.Equal("Good", Select([0, 0, 0, 0, .. With(Page(0x0A), 4, 0x08)]));
        Assert.Equal("Good", Select([0, 0, 0, 0, .. With(Page(0x0A), 4, 0x00)]));
        Assert.Equal(1, _bench.Device.Flushes);
    }

    [Fact]
    public async Task Two_that_change_different_pages_at_once_both_have_their_way()
    {
        byte[] caching = Page(0x08);
        byte[] control = Page(0x0A);
        using var together = new Barrier(2);

        Task Toggle(byte[] page, int field, byte bit, Func<ModeParameters, bool> isSet) => Task.Run(() =>
        {
            ItNexus nexus = Bench.FreshNexus();
            byte[] cdb = [0x15, 0x10, 0, 0, (byte)(4 + page.Length)];
            for (int round = 0; round < 2000; round++)
            {
                bool set = round % 2 == 0;
                byte[] list = [0, 0, 0, 0, .. With(page, field, (byte)(set ? page[field] | bit : page[field] & ~bit))];
                together.SignalAndWait();
                string outcome;
                do
                    outcome = _bench.Refusal(cdb, list, nexus: nexus);
                while (outcome.StartsWith("6/", StringComparison.Ordinal));
                Assert.Equal(("Good", set), (outcome, isSet(_bench.Unit.Modes)));
            }
        });

        // Whoever fails leaves the other one waiting at the barrier.
        await await Task.WhenAny(
            Task.WhenAll(
                Toggle(caching, 2, 0x04, modes => modes.WriteCache),
                Toggle(control, 4, 0x08, modes => modes.SoftwareWriteProtect)),
            Task.Delay(TimeSpan.FromSeconds(30)).ContinueWith(_ => throw new TimeoutException(), TaskScheduler.Default));
    }

    [Fact]
    public void A_flush_that_fails_then_is_told()
    {
        _bench.Device.FlushFault = BlockDeviceFault.WriteError;

        Assert.Equal("3/0C/00", Select([0, 0, 0, 0, .. With(Page(0x08), 2, 0)]));
    }

    [Fact]
    public void Others_are_told_of_a_change_and_only_of_a_change()
    {
        ItNexus other = _bench.NewNexus();
        byte[] page = Page(0x0A);

        Assert.Equal("Good", Select([0, 0, 0, 0, .. page]));
        Assert.Equal("Good", _bench.Refusal([0x00], nexus: other));
        Assert.Equal("Good", Select([0, 0, 0, 0, .. With(page, 4, 0x08)]));
        Assert.Equal("Good", _bench.Refusal([0x00]));
        Assert.Equal("6/2A/01", _bench.Refusal([0x00], nexus: other));
    }

    [Fact]
    public void All_pages_apply_or_none()
    {
        byte[] caching = With(Page(0x08), 2, 0);

        Assert.Equal("5/26/00@P27.6", Select([0, 0, 0, 0, .. caching, .. With(Page(0x0A), 3, 0x50)]));
        Assert.True(_bench.Unit.Modes.WriteCache);
        Assert.Equal("Good", Select([0, 0, 0, 0, .. caching, .. With(Page(0x0A), 4, 0x08)]));
        Assert.False(_bench.Unit.Modes.WriteCache);
        Assert.True(_bench.Unit.Modes.SoftwareWriteProtect);
    }

    [Fact]
    public void What_mode_sense_gives_can_be_given_back()
    {
        foreach (byte subpage in new byte[] { 0x00, 0xFF })
        {
            byte[] list = _bench.Data([0x1A, 0x00, 0x3F, subpage, 255]);
            list[0] = 0;
            for (int at = 12; at < list.Length; at += (list[at] & 0x40) != 0 ? 4 + list[at + 3] : 2 + list[at + 1])
                list[at] |= 0x80;   // PS is not looked at

            Assert.Equal("Good", Select(list));
        }

        byte[] longForm = _bench.Data([0x5A, 0x10, 0x3F, 0xFF, 0, 0, 0, 0, 255]);
        Assert.Equal("Good", Select10(longForm));
    }

    [Fact]
    public void An_empty_list_is_good()
    {
        Assert.Equal(PlanKind.Complete, _bench.Begin([0x15, 0x10]).Kind);
        Assert.Equal("Good", Select([]));
        Assert.Equal("Good", Select([0, 0, 0, 0]));
    }

    [Fact]
    public void Short_lists_are_refused()
    {
        Assert.Equal("5/1A/00", Select([0, 0, 0]));
        Assert.Equal("5/1A/00", Select10(new byte[7]));
        Assert.Equal("5/1A/00", Select([0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 2]));
        Assert.Equal("5/1A/00", Select([0, 0, 0, 0, 0x0A]));
        Assert.Equal("5/1A/00", Select([0, 0, 0, 0, 0x4A, 1, 0]));
        Assert.Equal("5/1A/00", Select([0, 0, 0, 0, .. Page(0x0A).AsSpan(0, 11)]));
        Assert.Equal("5/1A/00", _bench.Refusal([0x15, 0x10, 0, 0, 16], [0, 0, 0, 0, .. Page(0x0A).AsSpan(0, 11)]));
    }

    [Theory]
    [InlineData(0x00, "5/24/00@1.4")]
    [InlineData(0x11, "5/24/00@1.0")]
    public void Page_format_is_required_and_saving_refused(byte flags, string sense) => Assert.Equal(sense, Select([0, 0, 0, 0], flags));

    [Fact]
    public void Unknown_pages_and_wrong_lengths_are_refused()
    {
        Assert.Equal("5/26/00@P4.5", Select([0, 0, 0, 0, 0x05, 0]));
        Assert.Equal("5/26/00@P4.5", Select([0, 0, 0, 0, 0x4A, 0x05, 0, 0]));
        Assert.Equal("5/26/00@P4.5", Select([0, 0, 0, 0, 0x4A, 0x00, 0, 10, .. new byte[10]]));
        Assert.Equal("5/26/00@P5", Select([0, 0, 0, 0, 0x0A, 9, .. new byte[9]]));
        Assert.Equal("5/26/00@P6", Select([0, 0, 0, 0, 0x4A, 1, 0, 9, .. new byte[9]]));
    }

    [Fact]
    public void A_bit_that_is_fixed_cannot_be_changed()
    {
        Assert.Equal("5/26/00@P7.4", Select([0, 0, 0, 0, .. With(Page(0x0A), 3, 0)]));
        Assert.Equal("5/26/00@P6.7", Select([0, 0, 0, 0, .. With(Page(0x08), 2, 0x84)]));
    }

    [Fact]
    public void A_block_descriptor_must_describe_the_disk_as_it_is()
    {
        Assert.Equal("Good", Select([0, 0, 0, 8, 0, 0, 0x20, 0, 0, 0, 2, 0]));
        Assert.Equal("Good", Select([0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 2, 0]));
        Assert.Equal("5/26/00@P4", Select([0, 0, 0, 8, 0, 0, 0x21, 0, 0, 0, 2, 0]));
        Assert.Equal("5/26/00@P9", Select([0, 0, 0, 8, 0, 0, 0x20, 0, 0, 0, 16, 0]));
        Assert.Equal("5/26/00@P3", Select([0, 0, 0, 9, 0, 0, 0x20, 0, 0, 0, 2, 0, 0]));
        Assert.Equal("5/26/00@P6", Select10([0, 0, 0, 0, 1, 0, 0, 8, 0, 0, 0x20, 0, 0, 0, 2, 0]));
        Assert.Equal("Good", Select10([0, 0, 0, 0, 1, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 2, 0]));
        Assert.Equal("5/26/00@P20", Select10([0, 0, 0, 0, 1, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 4, 0]));
    }
}

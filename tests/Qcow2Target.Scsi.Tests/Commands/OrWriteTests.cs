using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class OrWriteTests
{
    private readonly Bench _bench = new();

    private static byte[] Or(byte[] one, byte[] other) => [.. one.Zip(other, (a, b) => (byte)(a | b))];

    [Fact]
    public void Sets_the_bits_of_the_data_and_no_other()
    {
        byte[] old = TestCdb.Pattern(600 * 512, 1);   // longer than one piece
        byte[] data = TestCdb.Pattern(600 * 512, 2);
        old.CopyTo(_bench.Device.Bytes, 3 * 512);

        Assert.Same(ScsiOutcome.Good, _bench.Run(TestCdb.Sixteen(0x8B, 3, 600), data));

        Assert.Equal(Or(old, data), _bench.Device.Bytes.AsSpan(3 * 512, 600 * 512).ToArray());
        Assert.Equal(-1, _bench.Device.Bytes.AsSpan(0, 3 * 512).IndexOfAnyExcept((byte)0));
        Assert.Equal(-1, _bench.Device.Bytes.AsSpan(603 * 512).IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public async Task Pieces_may_be_cut_anywhere()
    {
        byte[] old = TestCdb.Pattern(1024, 1);
        byte[] data = TestCdb.Pattern(1024, 2);
        old.CopyTo(_bench.Device.Bytes, 512);
        CommandPlan plan = _bench.Begin(TestCdb.Sixteen(0x8B, 1, 2), 1024);

        Assert.Same(ScsiOutcome.Good, await plan.WriteAsync(700, data.AsMemory(700)));
        Assert.Same(ScsiOutcome.Good, await plan.WriteAsync(0, data.AsMemory(0, 700)));
        Assert.Same(ScsiOutcome.Good, await plan.FinishAsync(1024));

        Assert.Equal(Or(old, data), _bench.Device.Bytes.AsSpan(512, 1024).ToArray());
        Assert.All(_bench.Device.Writes, write => Assert.Equal((0, 0), (write.Offset % 512, write.Length % 512)));
    }

    [Fact]
    public void Fua_flushes_before_the_status()
    {
        Assert.Same(ScsiOutcome.Good, _bench.Run(TestCdb.Sixteen(0x8B, 0, 1, 0x08), new byte[512]));
        Assert.Equal(1, _bench.Device.Flushes);
    }

    [Fact]
    public void Refuses_each_fault_by_name()
    {
        Assert.Equal("5/24/00@1.7", _bench.Refusal(TestCdb.Sixteen(0x8B, 0, 1, 0x20), new byte[512]));
        Assert.Equal("5/21/00", _bench.Refusal(TestCdb.Sixteen(0x8B, 8192, 1), new byte[512]));
        Assert.Equal("5/21/00", _bench.Refusal(TestCdb.Sixteen(0x8B, 8193, 0)));
        Assert.Equal("Good", _bench.Refusal(TestCdb.Sixteen(0x8B, 8192, 0)));
        Assert.Equal("7/27/00", new Bench(new MemoryBlockDevice(isReadOnly: true)).Refusal(TestCdb.Sixteen(0x8B, 0, 1), new byte[512]));
        _bench.Device.ReadFault = BlockDeviceFault.ReadError;
        Assert.Equal("3/11/00", _bench.Refusal(TestCdb.Sixteen(0x8B, 0, 1), new byte[512]));
    }
}

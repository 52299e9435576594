using Qcow2Target.Scsi.Reservations;

namespace Qcow2Target.Scsi.Tests.Reservations;

public sealed class TransportIdTests
{
    private static readonly InitiatorPort Port = new("iqn.2018-05.test:A", 0x4001_0203_0405);

    private static InitiatorPort[]? Read(byte[] bytes, out int left)
    {
        ReadOnlySpan<byte> rest = bytes;
        InitiatorPort[]? ports = TransportId.Read(ref rest, name => name == Port.Name ? [Port, new InitiatorPort(Port.Name, 7)] : []);
        left = rest.Length;
        return ports;
    }

    [Fact]
    public void A_port_is_written_and_read_back()
    {
        byte[] bytes = TransportId.Encode(Port);

        Assert.Equal(0x45, bytes[0]);
        Assert.Equal(0, bytes.Length % 4);
        Assert.Equal("iqn.2018-05.test:a,i,0x400102030405"u8.ToArray(), bytes[4..39]);
        Assert.Equal([Port], Read([.. bytes, 1, 2, 3, 4], out int left)!);
        Assert.Equal(4, left);
    }

    [Fact]
    public void No_transport_id_is_shorter_than_24_bytes() => Assert.Equal(24, TransportId.Encode(new InitiatorPort("a", 1)).Length);

    [Fact]
    public void A_device_stands_for_its_known_ports()
    {
        byte[] name = [.. "iqn.2018-05.TEST:a"u8, 0, 0];
        Assert.Equal([Port, new InitiatorPort(Port.Name, 7)], Read([0x05, 0, 0, 20, .. name], out _)!);
        name[17] = (byte)'b';
        Assert.Null(Read([0x05, 0, 0, 20, .. name], out _));
    }

    [Fact]
    public void Anything_else_is_refused()
    {
        byte[] good = TransportId.Encode(Port);
        Assert.Null(Read(good[..^1], out _));
        Assert.Null(Read(good[..20], out _));
        Assert.Null(Read([0x44, .. good[1..]], out _));
        Assert.Null(Read([0x85, .. good[1..]], out _));
        Assert.Null(Read([.. good[..2], 0, 16, .. good[4..]], out _));
        Assert.Null(Read([.. good[..2], 0xFF, 0xFF, .. good[4..]], out _));
        Assert.Null(Read([.. good[..4], 0, .. good[5..]], out _));
        Assert.Null(Read([.. good[..38], (byte)'g', .. good[39..]], out _));
        Assert.Null(Read([.. Enumerable.Repeat((byte)'x', good.Length - 4).Prepend((byte)0).Prepend((byte)0).Prepend((byte)0).Prepend((byte)0x45)], out _));
    }

    [Fact]
    public void Any_bytes_end_in_ports_or_none()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = [.. TransportId.Encode(Port), .. new byte[random.Next(8)]];
            for (int flips = random.Next(6); flips > 0; flips--)
                bytes[random.Next(random.Next(2) == 0 ? 4 : bytes.Length)] = (byte)random.Next(256);
            Exception? bug = Record.Exception(() => Read(bytes[..random.Next(bytes.Length + 1)], out _));
            Assert.True(bug is null, $"seed {seed}, {i}: {bug}");
        }
    }
}

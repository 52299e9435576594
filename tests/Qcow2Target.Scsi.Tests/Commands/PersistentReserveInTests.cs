using System.Buffers.Binary;
using Qcow2Target.Scsi.Reservations;
using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class PersistentReserveInTests
{
    private readonly Bench _bench = new(settings: new LogicalUnitSettings { Host = new RecordingHost() });

    [Fact]
    public void Capabilities_are_those_that_there_are()
    {
        Assert.Equal([0, 8, 0x0D, 0xB0, 0xEA, 0x01, 0, 0], _bench.Data([0x5E, 2, 0, 0, 0, 0, 0, 0, 255]));
        _bench.Register(_bench.Nexus, 0, 1, ReserveOut.SurvivePowerLoss);
        Assert.Equal([0, 8, 0x0D, 0xB1], _bench.Data([0x5E, 2, 0, 0, 0, 0, 0, 0, 4]));
    }

    [Fact]
    public void The_length_tells_of_all_keys_also_of_those_cut_off()
    {
        _bench.Register(_bench.Nexus, 0, 1);
        _bench.Register(_bench.NewNexus(), 0, 2);
        Assert.Equal([0, 0, 0, 2, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 1], _bench.Data([0x5E, 0, 0, 0, 0, 0, 0, 0, 16]));
        Assert.Empty(_bench.Data([0x5E, 0]));
    }

    [Fact]
    public void Full_status_names_each_port_and_the_holder()
    {
        ItNexus other = _bench.NewNexus();
        _bench.Register(_bench.Nexus, 0, 0xA);
        _bench.Register(other, 0, 0xB, ReserveOut.AllTargetPorts);
        _bench.Reserve(other, 0xB, 5);

        byte[] data = _bench.Data([0x5E, 3, 0, 0, 0, 0, 0, 0xFF, 0xFF]);

        Assert.Equal(data.Length - 8, BinaryPrimitives.ReadInt32BigEndian(data.AsSpan(4)));
        byte[] id = TransportId.Encode(_bench.Nexus.Initiator);
        byte[] first = data[8..(8 + 24 + id.Length)];
        Assert.Equal([0, 0, 0, 0, 0, 0, 0, 0xA, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, (byte)id.Length, .. id], first);
        byte[] second = data[(8 + first.Length)..];
        Assert.Equal((0xB, 0x03, 5, 0), (second[7], second[12], second[13], second[19]));
    }

    [Fact]
    public void Other_service_actions_are_refused_by_their_field()
    {
        for (byte serviceAction = 4; serviceAction < 32; serviceAction++)
            Assert.Equal("5/24/00@1.4", _bench.Refusal([0x5E, serviceAction, 0, 0, 0, 0, 0, 0, 255]));
    }
}

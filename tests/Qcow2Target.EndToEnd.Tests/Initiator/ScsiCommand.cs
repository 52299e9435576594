namespace Qcow2Target.EndToEnd.Tests.Initiator;

/// <summary>A CDB with what is to be sent and received with it.</summary>
internal sealed record ScsiCommand(byte[] Cdb)
{
    /// <summary>The Data-Out of the command; its length is the Expected Data Transfer Length where it is not empty.</summary>
    public ReadOnlyMemory<byte> DataOut { get; init; }

    /// <summary>Where Data-In goes; its length is the Expected Data Transfer Length of a read.</summary>
    public Memory<byte> DataIn { get; init; }

    public int Lun { get; init; }

    public override string ToString() => $"CDB {Convert.ToHexStringLower(Cdb)} out {DataOut.Length} in {DataIn.Length}";
}

using Qcow2Target.Iscsi.Pdus;

namespace Qcow2Target.Testing;

/// <summary>A PDU as it came from the wire.</summary>
public sealed record ScriptedInitiatorPdu(byte[] Header, byte[] Data, bool DataDigestHolds)
{
    public Opcode Opcode => BasicHeader.Opcode(Header);

    public uint InitiatorTaskTag => BasicHeader.InitiatorTaskTag(Header);

    /// <summary>The PDU's fields. Throws where the opcode is another one.</summary>
    public TPdu As<TPdu>()
        where TPdu : struct, IPdu<TPdu>
        => TPdu.Opcode == Opcode ? TPdu.Parse(Header) : throw new InvalidOperationException($"Expected {TPdu.Opcode}, the target sent {Describe()}.");

    /// <summary>For messages of failed tests.</summary>
    public string Describe() => $"{Opcode} {Convert.ToHexString(Header)} with {Data.Length} bytes {Convert.ToHexString(Data.AsSpan(0, Math.Min(Data.Length, 64)))}";
}

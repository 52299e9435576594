namespace Qcow2Target.EndToEnd.Tests.Initiator;

/// <summary>How a command ended. <see cref="Sense"/> is key, ASC, ASCQ as 0xKKAACC, or 0 without sense data.</summary>
/// <param name="Residual">Positive: overflow, negative: underflow, in bytes.</param>
internal sealed record ScsiResult(byte Status, int Sense, long Residual, int Received)
{
    public const byte Good = 0x00, CheckCondition = 0x02, Busy = 0x08, TaskSetFull = 0x28;

    public bool IsGood => Status == Good;

    public override string ToString() => $"status 0x{Status:x2} sense {Sense >> 16:x}/{(Sense >> 8) & 0xFF:x2}/{Sense & 0xFF:x2} residual {Residual}";
}

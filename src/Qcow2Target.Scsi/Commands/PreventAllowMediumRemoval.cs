namespace Qcow2Target.Scsi.Commands;

/// <summary>PREVENT ALLOW MEDIUM REMOVAL (SBC-3 5.5 by way of SPC-4): nothing to prevent, the medium is fixed.</summary>
internal static class PreventAllowMediumRemoval
{
    private const byte Prevent = 0x03;

    public static CommandPlan Begin(in CommandContext context) =>
        context.Good();

    /// <summary>Whether a CDB allows removal again.</summary>
    public static bool Allows(ReadOnlySpan<byte> cdb) => (cdb[4] & Prevent) == 0;
}

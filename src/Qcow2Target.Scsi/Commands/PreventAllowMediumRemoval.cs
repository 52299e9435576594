namespace Qcow2Target.Scsi.Commands;

/// <summary>PREVENT ALLOW MEDIUM REMOVAL (SPC-4 6.18): each nexus for itself, until it ends or the unit is reset. Nothing to prevent where the medium is fixed.</summary>
internal static class PreventAllowMediumRemoval
{
    private const byte Prevent = 0x03;

    public static CommandPlan Begin(in CommandContext context)
    {
        if (Allows(context.Cdb))
            context.Unit.Tray?.Allow(context.Nexus);
        else
            context.Unit.PreventRemoval(context.Nexus);
        return context.Good();
    }

    /// <summary>Whether a CDB allows removal again.</summary>
    public static bool Allows(ReadOnlySpan<byte> cdb) => (cdb[4] & Prevent) == 0;
}

using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>SEND DIAGNOSTIC (SPC-4 6.42): only the default self-test, which is passed by a unit that is ready.</summary>
internal static class SendDiagnostic
{
    private const byte SelfTestCode = 0xE0;
    private const int SelfTestCodeBit = 7;
    private const byte SelfTest = 0x04;
    private const int SelfTestBit = 2;

    public static CommandPlan Begin(in CommandContext context)
    {
        ReadOnlySpan<byte> cdb = context.Cdb;
        if ((cdb[1] & SelfTestCode) != 0)
            return context.Refuse(SenseData.InvalidFieldInCdb(1, SelfTestCodeBit));
        if ((cdb[1] & SelfTest) == 0)
            return context.Refuse(SenseData.InvalidFieldInCdb(1, SelfTestBit));
        if (cdb.U16(3) != 0)
            return context.Refuse(SenseData.InvalidFieldInCdb(3));
        return context.MediumRefusal(MediumUse.Read) is { } sense ? context.Refuse(sense) : context.Good();
    }
}

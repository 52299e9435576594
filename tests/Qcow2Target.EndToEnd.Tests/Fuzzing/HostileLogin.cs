using System.Text;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests.Fuzzing;

/// <summary>Login Requests that go wrong: stages, flags, versions, identities, keys, values, lengths, other PDUs, endless texts.</summary>
internal sealed class HostileLogin(RandomSource random, PduBender bender)
{
    private static readonly string[] Keys =
    [
        "AuthMethod", "HeaderDigest", "DataDigest", "MaxConnections", "InitialR2T", "ImmediateData", "MaxRecvDataSegmentLength", "MaxBurstLength", "FirstBurstLength",
        "DefaultTime2Wait", "DefaultTime2Retain", "MaxOutstandingR2T", "DataPDUInOrder", "ErrorRecoveryLevel", "SessionType", "InitiatorName", "TargetName", "InitiatorAlias",
        "CHAP_A", "CHAP_N", "CHAP_R", "CHAP_I", "CHAP_C", "SendTargets", "TargetPortalGroupTag", "IFMarkInt", "TaskReporting", "X-a", "", "headerdigest",
    ];
    private static readonly string[] Values =
    [
        "", "None", "CHAP", "CHAP,None", "None,CHAP", "KRB5,CHAP", "CRC32C", "Yes", "No", "yes", "0", "1", "-1", "511", "512", "16777215", "16777216", "4294967296", "0x", "0x200", "0xFFFFFFFFFF",
        "5", "7,6,5", "56", "0b", "0bAAAA", "0x00", "Reject", "NotUnderstood", "Irrelevant", "Normal", "Discovery", ",", ",,,", "iqn.2018-05.local:fuzz-closed", "iqn.é", "a=b",
    ];

    public void Run(FuzzConnection connection, string target)
    {
        connection.Ledger.MayEnd = "a hostile login";
        connection.Received.EndsWithSession = true;
        uint tag = (uint)random.Next();
        byte[] isid = [0x80, 0, 0, 0, 1, (byte)random.Next(256)];
        for (int requests = random.Pick(1, 2, 3, 6, 80); requests > 0 && !connection.IsEnded; requests--)
        {
            byte flags = random.Pick<byte>(0x81, 0x87, 0x83, 0x00, 0x04, 0x40, 0x44, 0xC7, (byte)random.Next(256));
            FuzzPdu pdu = new(Opcodes.Login | Opcodes.Immediate, flags, Text(target)) { [16] = tag, [24] = 1 };
            isid.CopyTo(pdu.Header, 8);
            if (random.Once(8)) (pdu.Header[14], pdu.Header[15]) = ((byte)random.Next(2), (byte)random.Next(256));
            List<FuzzPdu> pdus = [pdu];
            bender.Bend(pdus, random.Pick(2, 10, 1000));
            if (random.Once(30)) connection.Queue(bender.Break(pdu, headerDigest: false, dataDigest: false));
            else foreach (FuzzPdu one in pdus) connection.Queue(one);
            int before = connection.Received.LoginResponses;
            connection.Flush();
            if (random.Once(3)) continue;
            connection.Await(() => connection.Received.LoginResponses > before, TimeSpan.FromMilliseconds(20));
            if (connection.Received.LoginResponse is { } response && (response.Flags & 0x83) == 0x83 && response.Header[36] == 0) break;
        }
        if (random.Once(2)) connection.Abandon("after a hostile login");
        else connection.Close();
    }

    private byte[] Text(string target)
    {
        if (random.Once(12)) return random.Bytes(random.Next(9000));
        StringBuilder text = new();
        if (!random.Once(6)) text.Append($"InitiatorName=iqn.2018-05.local:hostile-{random.Next(3)}\0");
        if (!random.Once(6)) text.Append($"TargetName={target}\0");
        for (int keys = random.Pick(0, 1, 3, 8, 300); keys > 0 && text.Length < 8000; keys--)
        {
            text.Append(random.Pick<string>(Keys)).Append(random.Once(30) ? '?' : '=').Append(random.Pick<string>(Values));
            if (random.Once(40)) text.Append(new string('A', random.Next(2000)));
            if (!random.Once(30)) text.Append('\0');
        }
        return Encoding.UTF8.GetBytes(text.ToString());
    }
}

using System.Globalization;
using System.Text;

namespace Qcow2Target.EndToEnd.Tests.Initiator;

/// <summary>The login phase: security stage without authentication, then the operational stage, then full feature phase.</summary>
internal static class Login
{
    private const int SecurityStage = 0, OperationalStage = 1, FullFeaturePhase = 3;

    /// <summary>Logs in over a connection that was just opened.</summary>
    /// <exception cref="LoginRefusedException">The target answered with another status than success.</exception>
    public static async Task<LoginOutcome> RunAsync(PduStream stream, SessionOptions options)
    {
        ulong isid = options.Isid != 0 ? options.Isid : 0x80_00_00_00_00_00ul | (ulong)Random.Shared.NextInt64(1L << 40);
        Dictionary<string, string> agreed = [];
        List<string> identity =
        [
            $"InitiatorName={options.InitiatorName}",
            options.TargetName is null ? "SessionType=Discovery" : $"SessionType=Normal\0TargetName={options.TargetName}",
            "AuthMethod=None",
        ];
        RawPdu response = await ExchangeAsync(stream, options, isid, SecurityStage, OperationalStage, identity, statusSequence: null);
        Collect(response, agreed);
        List<string> offers =
        [
            $"HeaderDigest={options.HeaderDigest}", $"DataDigest={options.DataDigest}", Number("MaxRecvDataSegmentLength", options.MaxRecvDataSegmentLength),
            "DefaultTime2Wait=2", "DefaultTime2Retain=0", "ErrorRecoveryLevel=0",
        ];
        if (options.TargetName is not null)
        {
            offers.AddRange(
            [
                $"ImmediateData={(options.ImmediateData ? "Yes" : "No")}", $"InitialR2T={(options.InitialR2T ? "Yes" : "No")}",
                Number("FirstBurstLength", options.FirstBurstLength), Number("MaxBurstLength", options.MaxBurstLength),
                Number("MaxOutstandingR2T", options.MaxOutstandingR2T), "MaxConnections=1", "DataPDUInOrder=Yes", "DataSequenceInOrder=Yes",
            ]);
        }
        response = await ExchangeAsync(stream, options, isid, OperationalStage, FullFeaturePhase, offers, response.StatusSequence);
        Collect(response, agreed);
        stream.HeaderDigest = agreed.GetValueOrDefault("HeaderDigest") == "CRC32C";
        stream.DataDigest = agreed.GetValueOrDefault("DataDigest") == "CRC32C";
        return new LoginOutcome(
            agreed,
            Isid: isid,
            Tsih: (ushort)(response.Header[14] << 8 | response.Header[15]),
            NextStatusSequence: response.StatusSequence + 1,
            NextCommandSequence: response.ExpectedSequence,
            MaximumCommandSequence: response.MaximumCommandSequence);
    }

    private static async Task<RawPdu> ExchangeAsync(
        PduStream stream, SessionOptions options, ulong isid, int stage, int next, List<string> keys, uint? statusSequence)
    {
        byte[] text = Encoding.UTF8.GetBytes(string.Concat(keys.Select(key => key + '\0')));
        RawPdu request = new(Opcodes.Login | Opcodes.Immediate, (byte)(0x80 | stage << 2 | next), text) { TaskTag = 1, CommandSequence = options.FirstCommandSequence };
        request.Lun = isid << 16 | options.Tsih;
        if (statusSequence is { } last) request.ExpectedSequence = last + 1;
        await stream.SendAsync(request);
        RawPdu response = await stream.ReceiveAsync() ?? throw new IOException("the target closed the connection during login");
        if (response.Opcode != Opcodes.LoginResponse) throw new IOException($"not a Login Response: {response}");
        if (response.Header[36] != 0) throw new LoginRefusedException(response.Header[36], response.Header[37]);
        byte expected = (byte)(0x80 | stage << 2 | next);
        return response.Flags == expected ? response : throw new IOException($"the target did not follow to stage {next}: {response}");
    }

    private static void Collect(RawPdu response, Dictionary<string, string> agreed)
    {
        foreach (string pair in Encoding.UTF8.GetString(response.Data.Span).Split('\0', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            agreed[pair[..equals]] = pair[(equals + 1)..];
        }
    }

    private static string Number(string key, int value) => string.Create(CultureInfo.InvariantCulture, $"{key}={value}");
}

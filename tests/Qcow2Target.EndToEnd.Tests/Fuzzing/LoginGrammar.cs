using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests.Fuzzing;

/// <summary>Logs in by one of the many ways that lead to full feature: stages, steps, continued texts, keys and their values, CHAP.</summary>
internal sealed class LoginGrammar(RandomSource random)
{
    private const int Security = 0, Operational = 1, FullFeature = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly string[] Optional =
    [
        "DefaultTime2Wait=2", "DefaultTime2Retain=0", "DefaultTime2Retain=3600", "ErrorRecoveryLevel=0", "ErrorRecoveryLevel=2", "MaxConnections=1", "MaxConnections=65535",
        "DataPDUInOrder=Yes", "DataPDUInOrder=No", "DataSequenceInOrder=No", "IFMarker=No", "OFMarker=Yes", "IFMarkInt=1~65535", "TaskReporting=RFC3720,FastAbort",
        "iSCSIProtocolLevel=2", "X-com.example.key=1", "X#NodeArchitecture=none", "RDMAExtensions=Yes", "InitiatorAlias=me", "MaxConnections=0", "TargetAlias=you",
        "ErrorRecoveryLevel=3", "MaxConnections=0x10", "DefaultTime2Wait=3601", "Unheard=of",
    ];

    /// <summary>Logs in; false where the connection ended on the way, for a reason that the rules know.</summary>
    /// <param name="connection">A connection on which nothing was sent yet.</param>
    /// <param name="target">Whose session it is to be; null for discovery.</param>
    /// <param name="secret">CHAP user and secret; null for none.</param>
    /// <param name="eager">Sent behind the last request, without waiting for its answer.</param>
    public bool Run(FuzzConnection connection, string? target, (string User, string Secret)? secret, Action<FuzzConnection>? eager = null)
    {
        ConnectionLedger ledger = connection.Ledger;
        byte[] isid = [0x80, 0, 0, 0, 0, (byte)random.Next(1, 40)];
        string name = $"iqn.2018-05.local:fuzz-{random.Next(3)}";
        ledger.Port = $"{name},{isid[5]},{target}";
        ledger.IsDiscovery = target is null;
        ledger.TargetName = target ?? "";
        ledger.ConnectionId = (ushort)random.Pick(0, 1, 0xFFFF);
        uint commandSequence = random.Pick<uint>(0, 1, 0x7FFFFFFF, 0xFFFFFFF0, (uint)random.Next());
        uint tag = (uint)random.Next();
        ledger.OurSegment = random.Pick(512, 516, 4096, 8192, 65536, 262144, 16777215);
        List<string> identity = [$"InitiatorName={name}", .. target is null ? ["SessionType=Discovery"] : random.Once(2) ? (string[])["SessionType=Normal"] : [], .. target is null ? (string[])[] : [$"TargetName={target}"]];
        List<string> keys = Keys(eager is not null, ledger);
        Dictionary<string, string> agreed = [];

        FuzzPdu Request(int stage, int? next, string text, bool continued = false)
        {
            FuzzPdu pdu = new(Opcodes.Login | Opcodes.Immediate, (byte)((next is { } goal ? 0x80 | goal : 0) | (continued ? 0x40 : 0) | stage << 2), Encoding.UTF8.GetBytes(text)) { [16] = tag, [24] = commandSequence };
            isid.CopyTo(pdu.Header, 8);
            (pdu.Header[20], pdu.Header[21]) = ((byte)(ledger.ConnectionId >> 8), (byte)ledger.ConnectionId);
            if (connection.Received.LoginResponse is not null) pdu[28] = ledger.NextStatSn;
            return pdu;
        }

        bool Ask(int stage, int? next, List<string> pairs, bool last = false)
        {
            string text = string.Concat(pairs.Select(pair => pair + '\0'));
            while (text.Length > 4 && !last && random.Once(4))
            {
                int cut = random.Next(1, text.Length);
                if (!Exchange(connection, Request(stage, null, text[..cut], continued: true))) return false;
                text = text[cut..];
            }
            FuzzPdu request = Request(stage, next, text);
            return last ? ExchangeLast(connection, request, eager, agreed) : Exchange(connection, request) && Collect(connection, agreed);
        }

        ledger.Conversation.Ports[ledger.Port] = ledger.Conversation.Ports.GetValueOrDefault(ledger.Port) + 1;
        if (eager is null && (secret is not null || random.Once(2)))
        {
            if (!Ask(Security, secret is null && random.Once(2) ? Operational : null, [.. identity, secret is null ? "AuthMethod=CHAP,None" : "AuthMethod=CHAP"])) return false;
            if (secret is { } chap && !Prove(chap, agreed, Ask)) return false;
            if (Stage(connection) == Security && !Ask(Security, random.Once(2) && keys.Count == 0 ? FullFeature : Operational, [])) return false;
            identity = [];
        }
        if (eager is null && random.Once(3))
        {
            if (!Ask(Operational, null, [.. identity, .. keys[..(keys.Count / 2)]])) return false;
            (identity, keys) = ([], keys[(keys.Count / 2)..]);
        }
        if (!Ask(Operational, FullFeature, [.. identity, .. keys], last: true)) return false;
        if (eager is not null) return true;
        Agree(ledger, agreed);
        connection.Received.Establish();
        return true;
    }

    /// <summary>CHAP_A, then CHAP_N and CHAP_R (RFC 7143 12.1.3).</summary>
    private bool Prove((string User, string Secret) chap, Dictionary<string, string> agreed, Func<int, int?, List<string>, bool, bool> ask)
    {
        if (!ask(Security, null, [$"CHAP_A={random.Pick("5", "7,5", "6", "5,7", "9,7")}"], false)) return false;
        byte[] message = [byte.Parse(agreed["CHAP_I"], CultureInfo.InvariantCulture), .. Encoding.UTF8.GetBytes(chap.Secret), .. Convert.FromHexString(agreed["CHAP_C"][2..])];
#pragma warning disable CA5350, CA5351 // what CHAP has
        byte[] response = agreed["CHAP_A"] switch { "5" => MD5.HashData(message), "6" => SHA1.HashData(message), _ => SHA256.HashData(message) };
#pragma warning restore CA5350, CA5351
        string text = random.Once(2) ? "0x" + Convert.ToHexStringLower(response) : "0b" + Convert.ToBase64String(response);
        return ask(Security, Operational, [$"CHAP_N={chap.User}", $"CHAP_R={text}"], false);
    }

    private List<string> Keys(bool eager, ConnectionLedger ledger)
    {
        string Digest() => eager ? "None" : random.Pick("None", "None", "CRC32C", "CRC32C,None", "None,CRC32C");
        List<string> keys =
        [
            $"HeaderDigest={Digest()}", $"DataDigest={Digest()}", Number("MaxRecvDataSegmentLength", ledger.OurSegment),
        ];
        if (!ledger.IsDiscovery)
        {
            keys.AddRange(
            [
                $"InitialR2T={random.Pick("Yes", "No")}", $"ImmediateData={random.Pick("Yes", "No")}", Number("MaxOutstandingR2T", random.Pick(1, 2, 8, 16, 65535)),
                Number("MaxBurstLength", random.Pick(512, 1000, 4096, 65536, 262144, 16776192)), Number("FirstBurstLength", random.Pick(512, 1000, 4096, 65536, 262144)),
            ]);
        }
        int further = random.Next(6);
        for (int i = 0; i < further; i++)
        {
            string key = random.Pick<string>(Optional), name = key[..key.IndexOf('=', StringComparison.Ordinal)];
            if (!keys.Exists(other => other.StartsWith(name + "=", StringComparison.Ordinal))) keys.Add(key);
        }
        return keys;
    }

    private static string Number(string key, int value) => string.Create(CultureInfo.InvariantCulture, $"{key}={value}");

    private static int Stage(FuzzConnection connection)
    {
        byte flags = connection.Received.LoginResponse!.Flags;
        return (flags & 0x80) != 0 ? flags & 3 : flags >> 2 & 3;
    }

    private static bool Exchange(FuzzConnection connection, FuzzPdu request)
    {
        int before = connection.Received.LoginResponses;
        connection.Queue(request);
        connection.Flush();
        if (!connection.Await(() => connection.Received.LoginResponses > before, Patience)) throw new FuzzFinding($"a Login Request is not answered within {Patience.TotalSeconds} s");
        return !connection.IsEnded && connection.Received.LoginResponse is { } response && response.Header[36] == 0;
    }

    /// <summary>As <see cref="Exchange"/>, with what goes behind it; the session begins with the answer.</summary>
    private static bool ExchangeLast(FuzzConnection connection, FuzzPdu request, Action<FuzzConnection>? eager, Dictionary<string, string> agreed)
    {
        if (eager is null)
        {
            if (!Exchange(connection, request) || !Collect(connection, agreed)) return false;
            // The target's own answer was too long for one PDU: it goes on when it is asked without text.
            for (int i = 0; i < 8 && (connection.Received.LoginResponse!.Flags & 0x83) != 0x83; i++)
            {
                request.Data = [];
                if (!Exchange(connection, request) || !Collect(connection, agreed)) return false;
            }
            return (connection.Received.LoginResponse!.Flags & 0x83) == 0x83 ? true : throw new FuzzFinding("a login without an end");
        }
        connection.Queue(request);
        connection.Ledger.MaxCmdSn = connection.Ledger.ExpCmdSn + 15;
        eager(connection);
        connection.Received.BeforeSession = () =>
        {
            Collect(connection, agreed);
            Agree(connection.Ledger, agreed);
        };
        connection.Flush();
        if (!connection.Await(() => connection.Received.LoginResponses > 0, Patience)) throw new FuzzFinding("an eager login is not answered");
        return !connection.IsEnded && connection.Received.LoginResponse is { } response && response.Header[36] == 0;
    }

    private static bool Collect(FuzzConnection connection, Dictionary<string, string> agreed)
    {
        foreach (string pair in Encoding.UTF8.GetString(connection.Received.LoginResponse!.Data.Span).Split('\0', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0) agreed[pair[..equals]] = pair[(equals + 1)..];
        }
        return true;
    }

    private static void Agree(ConnectionLedger ledger, Dictionary<string, string> agreed)
    {
        int Value(string key, int otherwise) => int.TryParse(agreed.GetValueOrDefault(key), CultureInfo.InvariantCulture, out int value) ? value : otherwise;
        ledger.HeaderDigest = agreed.GetValueOrDefault("HeaderDigest") == "CRC32C";
        ledger.DataDigest = agreed.GetValueOrDefault("DataDigest") == "CRC32C";
        ledger.TargetSegment = Value("MaxRecvDataSegmentLength", 8192);
        ledger.MaxBurst = Value("MaxBurstLength", 262144);
        ledger.FirstBurst = Math.Min(Value("FirstBurstLength", 65536), ledger.MaxBurst);
        ledger.MaxR2T = Value("MaxOutstandingR2T", 1);
        ledger.InitialR2T = agreed.GetValueOrDefault("InitialR2T") != "No";
        ledger.ImmediateData = agreed.GetValueOrDefault("ImmediateData") != "No";
    }
}

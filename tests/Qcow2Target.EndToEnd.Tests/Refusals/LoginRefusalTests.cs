using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Iscsi.Login;
using static Qcow2Target.EndToEnd.Tests.Refusals.RawLogin;

namespace Qcow2Target.EndToEnd.Tests.Refusals;

/// <summary>One test for each way in which a login is refused: Status-Class and Status-Detail of RFC 7143 section 11.13.5, and the end of the connection.</summary>
public sealed class LoginRefusalTests(RefusalFixture fixture) : IClassFixture<RefusalFixture>
{
    private const int SessionsOfTarget = 256;

    private static readonly Dictionary<string, LoginRefusal> Refusals = new()
    {
        ["no name of the initiator"] = new(LoginStatus.MissingParameter, l => l.AskAsync(OperationalToFull, $"TargetName={RefusalFixture.Open}\0")),
        ["no name of the target"] = new(LoginStatus.MissingParameter, l => l.AskAsync(OperationalToFull, $"InitiatorName={l.InitiatorName}\0")),
        ["a name longer than 223 bytes"] = new(LoginStatus.InitiatorError, l => l.AskAsync(OperationalToFull, $"InitiatorName=iqn.{new string('a', 220)}\0TargetName={RefusalFixture.Open}\0")),
        ["a key that comes twice"] = new(LoginStatus.InitiatorError, l => l.AskAsync(OperationalToFull, l.Names(RefusalFixture.Open) + "HeaderDigest=None\0HeaderDigest=None\0")),
        ["a key that comes again in the next stage"] = new(LoginStatus.InitiatorError, l => InTwoAsync(l, SecurityToOperational, "HeaderDigest=None\0", OperationalToFull, "HeaderDigest=None\0")),
        ["a name that comes again"] = new(LoginStatus.InitiatorError, l => InTwoAsync(l, SecurityToOperational, "", OperationalToFull, $"TargetName={RefusalFixture.Open}\0")),
        ["a session type that comes late"] = new(LoginStatus.InitiatorError, async l =>
        {
            await l.AskAsync(SecurityToOperational, $"InitiatorName={l.InitiatorName}\0TargetName={RefusalFixture.Open}\0");
            return await l.AskAsync(OperationalToFull, "SessionType=Discovery\0");
        }),
        ["a pair without an equals sign"] = new(LoginStatus.InitiatorError, l => l.AskAsync(OperationalToFull, l.Names(RefusalFixture.Open) + "nonsense\0")),
        ["a pair without an end"] = new(LoginStatus.InitiatorError, l => l.AskAsync(OperationalToFull, l.Names(RefusalFixture.Open) + "HeaderDigest=None")),
        ["a key longer than 63 bytes"] = new(LoginStatus.InitiatorError, l => l.AskAsync(OperationalToFull, l.Names(RefusalFixture.Open) + $"X{new string('k', 63)}=1\0")),
        ["authentication outside its stage"] = new(LoginStatus.InitiatorError, l => l.AskAsync(OperationalToFull, l.Names(RefusalFixture.Open) + "AuthMethod=None\0")),
        ["T and C together"] = new(LoginStatus.InitiatorError, l => l.AskAsync(OperationalToFull | Continued, l.Names(RefusalFixture.Open))),
        ["the reserved stage as the current one"] = new(LoginStatus.InitiatorError, l => l.AskAsync(Transit | (2 << 2) | 3, l.Names(RefusalFixture.Open))),
        ["the reserved stage as the next one"] = new(LoginStatus.InitiatorError, l => l.AskAsync(Transit | 2, l.Names(RefusalFixture.Open))),
        ["full feature phase as the current stage"] = new(LoginStatus.InitiatorError, l => l.AskAsync(3 << 2, l.Names(RefusalFixture.Open))),
        ["a way back to the security stage"] = new(LoginStatus.InitiatorError, l => l.AskAsync(Transit | Operational, l.Names(RefusalFixture.Open))),
        ["a transit to the stage where it is"] = new(LoginStatus.InitiatorError, l => l.AskAsync(Transit | Operational | 1, l.Names(RefusalFixture.Open))),
        ["another stage than the one agreed upon"] = new(LoginStatus.InitiatorError, l => InTwoAsync(l, SecurityToOperational, "", SecurityToFull, "")),
        ["a task tag that changes"] = new(LoginStatus.InitiatorError, l => ChangedAsync(l, () => l.TaskTag++)),
        ["an ISID that changes"] = new(LoginStatus.InitiatorError, l => ChangedAsync(l, () => l.Isid++)),
        ["a TSIH that changes"] = new(LoginStatus.InitiatorError, l => ChangedAsync(l, () => l.Tsih++)),
        ["a CID that changes"] = new(LoginStatus.InitiatorError, l => ChangedAsync(l, () => l.ConnectionId++)),
        ["an additional header"] = new(LoginStatus.InitiatorError, l => l.AskAsync(l.Request(OperationalToFull, ""), bytes => Changed(bytes, 4, 1))),
        ["a segment longer than 8192 bytes"] = new(LoginStatus.InitiatorError, l => l.AskAsync(l.Request(OperationalToFull, ""), bytes => Changed(Changed(bytes, 6, 0x20), 7, 1))),
        ["more text than a login may have"] = new(LoginStatus.InitiatorError, async l =>
        {
            RawPdu response;
            do response = await l.AskAsync(Operational | Continued, new string('a', 8192));
            while (StatusOf(response) == 0);
            return response;
        }),
        ["requests without end"] = new(LoginStatus.InitiatorError, async l =>
        {
            RawPdu response = await l.AskAsync(Operational, l.Names(RefusalFixture.Open));
            while (StatusOf(response) == 0) response = await l.AskAsync(Operational, "");
            return response;
        }),
        ["text while our answer goes on"] = new(LoginStatus.InitiatorError, async l =>
        {
            string keys = string.Concat(Enumerable.Range(0, 200).Select(i => $"X-com.example.a-rather-long-key-{i}=1\0"));
            await l.AskAsync(Operational | Continued, l.Names(RefusalFixture.Open) + keys[..7000]);
            Assert.Equal(Operational | Continued, (await l.AskAsync(Operational, keys[7000..])).Flags);
            return await l.AskAsync(OperationalToFull, "HeaderDigest=None\0");
        }),

        ["no authentication where CHAP is asked for"] = new(LoginStatus.AuthenticationFailure, l => l.AskAsync(OperationalToFull, l.Names(RefusalFixture.Guarded))),
        ["a way past the security stage where CHAP is asked for"] = new(LoginStatus.AuthenticationFailure, l => l.AskAsync(SecurityToFull, l.Names(RefusalFixture.Guarded))),
        ["a list of methods without the CHAP that is asked for"] = new(LoginStatus.AuthenticationFailure, l => l.AskAsync(SecurityToOperational, l.Names(RefusalFixture.Guarded) + "AuthMethod=None\0")),
        ["CHAP where nobody has a secret"] = new(LoginStatus.AuthenticationFailure, l => l.AskAsync(SecurityToOperational, l.Names(RefusalFixture.Open) + "AuthMethod=CHAP\0")),
        ["no known algorithm"] = new(LoginStatus.AuthenticationFailure, l => ChapAsync(l, _ => "", algorithms: "56")),
        ["an empty list of algorithms"] = new(LoginStatus.AuthenticationFailure, l => ChapAsync(l, _ => "", algorithms: "")),
        ["a wrong secret"] = new(LoginStatus.AuthenticationFailure, l => ChapAsync(l, challenge => Proof(challenge, RefusalFixture.User, "a secret that is wrong"))),
        ["a wrong user"] = new(LoginStatus.AuthenticationFailure, l => ChapAsync(l, challenge => Proof(challenge, "nobody", RefusalFixture.Secret))),
        ["a response of half its length"] = new(LoginStatus.AuthenticationFailure, l => ChapAsync(l, challenge => Proof(challenge, RefusalFixture.User, RefusalFixture.Secret)[..^17] + "\0")),
        ["our own challenge sent back"] = new(LoginStatus.AuthenticationFailure, l => ChapAsync(l, challenge => Proof(challenge, RefusalFixture.User, RefusalFixture.Secret) + $"CHAP_I=1\0CHAP_C={ValueOf(challenge, "CHAP_C")}\0")),
        ["a wish for mutual CHAP where there is none"] = new(LoginStatus.AuthenticationFailure, l => ChapAsync(l, challenge => Proof(challenge, RefusalFixture.User, RefusalFixture.Secret) + "CHAP_I=1\0CHAP_C=0x00112233445566778899aabbccddeeff\0")),

        ["an initiator that the target does not list"] = new(LoginStatus.AuthorizationFailure, l => l.AskAsync(OperationalToFull, l.Names(RefusalFixture.Named))),
        ["an address outside the target's networks"] = new(LoginStatus.AuthorizationFailure, l => l.AskAsync(OperationalToFull, l.Names(RefusalFixture.Near))),
        ["a target that is not there"] = new(LoginStatus.NotFound, l => l.AskAsync(OperationalToFull, l.Names("iqn.2018-05.local:nowhere"))),
        ["a lowest version that is too high"] = new(LoginStatus.UnsupportedVersion, l =>
        {
            (l.VersionMax, l.VersionMin) = (3, 1);
            return l.AskAsync(OperationalToFull, l.Names(RefusalFixture.Open));
        }),
        ["a second connection for a session"] = new(LoginStatus.TooManyConnections, async l =>
        {
            await JoinAsync(l);
            l.ConnectionId++;
            return await l.AskAsync(OperationalToFull, l.Names(RefusalFixture.Open));
        }),
        ["a session type that nobody knows"] = new(LoginStatus.SessionTypeNotSupported, l => l.AskAsync(OperationalToFull, $"InitiatorName={l.InitiatorName}\0TargetName={RefusalFixture.Open}\0SessionType=Other\0")),
        ["a TSIH that nobody has"] = new(LoginStatus.SessionDoesNotExist, l =>
        {
            l.Tsih = 0xFFF0;
            return l.AskAsync(OperationalToFull, l.Names(RefusalFixture.Open));
        }),
        ["the TSIH of another initiator"] = new(LoginStatus.SessionDoesNotExist, async l =>
        {
            await JoinAsync(l);
            l.InitiatorName += ".other";
            return await l.AskAsync(OperationalToFull, l.Names(RefusalFixture.Open));
        }),
        ["the TSIH of another ISID"] = new(LoginStatus.SessionDoesNotExist, async l =>
        {
            await JoinAsync(l);
            l.Isid++;
            return await l.AskAsync(OperationalToFull, l.Names(RefusalFixture.Open));
        }),
        ["the TSIH of a discovery session"] = new(LoginStatus.SessionDoesNotExist, l =>
        {
            l.Tsih = 1;
            return l.AskAsync(OperationalToFull, $"InitiatorName={l.InitiatorName}\0SessionType=Discovery\0");
        }),
        ["a command before the login"] = new(LoginStatus.InvalidDuringLogin, l => l.AskAsync(new RawPdu(Opcodes.ScsiCommand, 0x81))),
        ["a ping between two login requests"] = new(LoginStatus.InvalidDuringLogin, async l =>
        {
            await l.AskAsync(SecurityToOperational, l.Names(RefusalFixture.Open));
            return await l.AskAsync(new RawPdu(Opcodes.NopOut | Opcodes.Immediate) { TaskTag = 1, TransferTag = RawPdu.NoTag });
        }),
        ["one session more than a target has"] = new(LoginStatus.OutOfResources, async l =>
        {
            for (int i = 0; i < SessionsOfTarget; i++)
            {
                RawLogin other = l.Keep(await ConnectAsync(l.Daemon));
                Assert.Equal(0, StatusOf(await other.AskAsync(OperationalToFull, other.Names(RefusalFixture.Crowded))));
            }
            return await l.AskAsync(OperationalToFull, l.Names(RefusalFixture.Crowded));
        }),
        ["a target whose sessions are being ended"] = new(LoginStatus.ServiceUnavailable, async l =>
        {
            ScriptedSession silent = l.Keep(await ScriptedSession.LoginAsync(l.Daemon.Portal, new SessionOptions { TargetName = RefusalFixture.Closing }));
            await silent.TestUnitReadyAsync();
            Task cleared = l.Daemon.MustAsync("CLEARTARGET", new { target_name = RefusalFixture.Closing, force = true });
            await silent.ReceiveAsync(Opcodes.AsyncMessage);
            RawPdu response = await l.AskAsync(OperationalToFull, l.Names(RefusalFixture.Closing));
            await cleared;
            return response;
        }),
    };

    /// <summary>Why no login here can meet a status, or where it is tried instead.</summary>
    private static readonly Dictionary<LoginStatus, string> Elsewhere = new()
    {
        [LoginStatus.Success] = "no refusal",
        [LoginStatus.TargetMovedTemporarily] = "no request of the control socket moves a target; tried with the actors in LoginRedirectionTests",
        [LoginStatus.TargetMovedPermanently] = "no request of the control socket moves a target; tried with the actors in LoginRedirectionTests",
        [LoginStatus.TargetRemoved] = "counts for the moment between a deletion and the end of the target's actor; tried in LoginsAtTheEndTests",
        [LoginStatus.CannotIncludeInSession] = "there is one portal group, and a session has one connection (0206)",
        [LoginStatus.TargetError] = "told to a login that another of its port displaces while both wait for their old session, which a stuck disk holds up; tried in NexusTableTests",
    };

    public static TheoryData<string> Names => [.. Refusals.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_login_is_refused_with_its_status_and_its_connection_closed(string because)
    {
        LoginRefusal refusal = Refusals[because];
        using RawLogin login = await ConnectAsync(fixture.Daemon);
        RawPdu response = await refusal.ProvokeAsync(login);
        Assert.Equal(refusal.Status, (LoginStatus)StatusOf(response));
        Assert.Equal(0, response.Flags & (Transit | Continued));
        Assert.Equal((0, 0), (response.Header[2], response.Header[3]));
        await login.MustEndAsync();
        fixture.Daemon.MustBeAlive();
    }

    [Fact]
    public void Every_status_is_tried_or_has_a_reason_why_not()
    {
        Assert.Equal(Enum.GetValues<LoginStatus>().Order(), Refusals.Values.Select(refusal => refusal.Status).Distinct().Concat(Elsewhere.Keys).Order());
    }

    [Fact]
    public async Task A_connection_that_is_reinstated_keeps_the_handle_and_what_its_session_agreed()
    {
        SessionOptions options = fixture.Options with { Isid = 0x80_00_00_00_AA_01, InitialR2T = true, ImmediateData = false, MaxBurstLength = 4096 };
        using ScriptedSession old = await ScriptedSession.LoginAsync(fixture.Daemon.Portal, options);
        await old.TestUnitReadyAsync();
        await old.StartWriteAsync(0, 64);
        await ReinstateAsync(old, options);
    }

    [Fact]
    public async Task A_connection_is_reinstated_again_and_again_under_one_handle()
    {
        SessionOptions options = fixture.Options with { Isid = 0x80_00_00_00_AA_02 };
        ScriptedSession session = await ScriptedSession.LoginAsync(fixture.Daemon.Portal, options);
        ushort tsih = session.Login.Tsih;
        for (int i = 0; i < 50; i++)
        {
            await session.TestUnitReadyAsync();
            using ScriptedSession old = session;
            session = await ScriptedSession.LoginAsync(fixture.Daemon.Portal, options with { Tsih = tsih });
            await old.MustEndAsync();
            Assert.Equal(tsih, session.Login.Tsih);
        }
        session.Dispose();
    }

    private async Task ReinstateAsync(ScriptedSession old, SessionOptions options)
    {
        using ScriptedSession again = await ScriptedSession.LoginAsync(fixture.Daemon.Portal, options with { Tsih = old.Login.Tsih, InitialR2T = false, MaxBurstLength = 262144 });
        await old.MustEndAsync();
        Assert.Equal(old.Login.Tsih, again.Login.Tsih);
        Assert.Equal(("Irrelevant", "Irrelevant"), (again.Login.Keys["MaxBurstLength"], again.Login.Keys["InitialR2T"]));
        while ((await again.TestUnitReadyAsync()).Header[3] != ScsiResult.Good) { }
        (uint tag, RawPdu r2t) = await again.StartWriteAsync(0, 64);
        Assert.Equal(4096u, r2t[44]);
        Assert.NotEqual(0u, tag);
    }

    private static async Task<RawPdu> InTwoAsync(RawLogin login, byte first, string keys, byte second, string more)
    {
        Assert.Equal(0, StatusOf(await login.AskAsync(first, login.Names(RefusalFixture.Open) + keys)));
        return await login.AskAsync(second, more);
    }

    private static async Task<RawPdu> ChangedAsync(RawLogin login, Action change)
    {
        await login.AskAsync(SecurityToOperational, login.Names(RefusalFixture.Open));
        change();
        return await login.AskAsync(OperationalToFull, "");
    }

    private static byte[] Changed(byte[] bytes, int at, byte value)
    {
        bytes[at] = value;
        return bytes;
    }

    /// <summary>Another connection's session, of the same initiator port; its TSIH is the login's from here on.</summary>
    private static async Task JoinAsync(RawLogin login)
    {
        RawLogin other = login.Keep(await ConnectAsync(login.Daemon));
        other.Isid = login.Isid;
        RawPdu response = await other.AskAsync(OperationalToFull, other.Names(RefusalFixture.Open));
        login.Tsih = (ushort)(response.Header[14] << 8 | response.Header[15]);
        Assert.NotEqual(0, login.Tsih);
        await other.PingAsync();
    }

    private static async Task<RawPdu> ChapAsync(RawLogin login, Func<RawPdu, string> answer, string algorithms = "5")
    {
        await login.AskAsync(Security, login.Names(RefusalFixture.Guarded) + "AuthMethod=CHAP\0");
        RawPdu challenge = await login.AskAsync(Security, $"CHAP_A={algorithms}\0");
        return StatusOf(challenge) != 0 ? challenge : await login.AskAsync(SecurityToFull, answer(challenge));
    }

    private static string Proof(RawPdu challenge, string user, string secret)
    {
        byte identifier = byte.Parse(ValueOf(challenge, "CHAP_I")!, CultureInfo.InvariantCulture);
#pragma warning disable CA5351 // what every initiator can
        byte[] response = MD5.HashData([identifier, .. Encoding.UTF8.GetBytes(secret), .. Convert.FromHexString(ValueOf(challenge, "CHAP_C")![2..])]);
#pragma warning restore CA5351
        return $"CHAP_N={user}\0CHAP_R=0x{Convert.ToHexString(response)}\0";
    }

    private sealed record LoginRefusal(LoginStatus Status, Func<RawLogin, Task<RawPdu>> ProvokeAsync);
}

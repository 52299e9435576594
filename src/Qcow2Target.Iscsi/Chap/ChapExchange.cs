using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Qcow2Target.Iscsi.Login;

namespace Qcow2Target.Iscsi.Chap;

/// <summary>
/// The target's side of one CHAP exchange (RFC 1994 as in RFC 7143 12.1.3), after AuthMethod=CHAP was chosen:
/// <code>
/// CHAP_A=list → CHAP_A, CHAP_I, CHAP_C         CHAP_N, CHAP_R [, CHAP_I, CHAP_C] → [CHAP_N, CHAP_R]
/// </code>
/// Whatever fails, the initiator hears the same.
/// </summary>
internal sealed class ChapExchange(ChapRequirement requirement, ChapAlgorithm floor)
{
    private const int ChallengeBytes = 24;
    private const string Failed = "CHAP failed";

    private static readonly ChapCredentials Nobody = new("", "nobody's secret");

    private readonly byte[] _challenge = RandomNumberGenerator.GetBytes(ChallengeBytes);
    private readonly byte _identifier = RandomNumberGenerator.GetBytes(1)[0];
    private ChapAlgorithm? _algorithm;

    /// <summary>The user that has proved itself; null as long as none has.</summary>
    public string? User { get; private set; }

    /// <summary>Takes the CHAP keys of one request and appends the answers.</summary>
    /// <exception cref="LoginException">With status 0201.</exception>
    public void Answer(IReadOnlyDictionary<string, string> keys, List<byte> answer)
    {
        if (keys.TryGetValue("CHAP_A", out var list)) Challenge(list, answer);
        if (keys.Keys.Any(key => key is not "CHAP_A")) Verify(keys, answer);
    }

    private void Challenge(string list, List<byte> answer)
    {
        if (_algorithm is not null) throw Failure("CHAP_A came twice");
        _algorithm = ChapAlgorithms.Choose(list, floor) ?? throw Failure($"none of the algorithms {Shown(list)} is acceptable");
        TextPairs.Append(answer, "CHAP_A", ((int)_algorithm).ToString(CultureInfo.InvariantCulture));
        TextPairs.Append(answer, "CHAP_I", _identifier.ToString(CultureInfo.InvariantCulture));
        TextPairs.Append(answer, "CHAP_C", ChapBinary.Encode(_challenge));
    }

    private void Verify(IReadOnlyDictionary<string, string> keys, List<byte> answer)
    {
        if (_algorithm is not { } algorithm || User is not null) throw Failure("a CHAP key out of its place");
        if (!keys.TryGetValue("CHAP_N", out var name) || !keys.TryGetValue("CHAP_R", out var response)) throw Failure("CHAP_N or CHAP_R is missing");
        var given = ChapBinary.Decode(response) ?? [];
        ChapCredentials? proved = null;
        // One name may have a secret at each of several targets (discovery); one that is not there takes as long as one that is.
        foreach (var user in requirement.Users.Where(user => user.Name == name).DefaultIfEmpty(Nobody))
        {
            if (CryptographicOperations.FixedTimeEquals(Response(algorithm, _identifier, user.Secret, _challenge), given) && user != Nobody) proved = user;
        }
        if (proved is null) throw Failure($"{Failed} for {Shown(name)}");
        if (keys.ContainsKey("CHAP_I") || keys.ContainsKey("CHAP_C")) ProveOurselves(algorithm, keys, answer);
        User = proved.Name;
    }

    private void ProveOurselves(ChapAlgorithm algorithm, IReadOnlyDictionary<string, string> keys, List<byte> answer)
    {
        if (!keys.TryGetValue("CHAP_I", out var number) || !byte.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var identifier))
            throw Failure("CHAP_I is missing or no byte");
        if (!keys.TryGetValue("CHAP_C", out var text) || ChapBinary.Decode(text) is not { } challenge) throw Failure("CHAP_C is missing or malformed");
        // Who sends our own challenge back wants us to compute what it cannot.
        if (challenge.AsSpan().SequenceEqual(_challenge)) throw Failure("the initiator's challenge is our own");
        if (requirement.Mutual is not { } ours) throw Failure("the initiator asks for mutual CHAP, which is not configured");
        TextPairs.Append(answer, "CHAP_N", ours.Name);
        TextPairs.Append(answer, "CHAP_R", ChapBinary.Encode(Response(algorithm, identifier, ours.Secret, challenge)));
    }

    private static byte[] Response(ChapAlgorithm algorithm, byte identifier, string secret, byte[] challenge) =>
        algorithm.Hash([identifier, .. Encoding.UTF8.GetBytes(secret), .. challenge]);

    private static string Shown(string text) => $"'{new string([.. text.Take(64).Select(one => char.IsControl(one) ? '?' : one)])}'";

    private static LoginException Failure(string why) => new(LoginStatus.AuthenticationFailure, why);
}

using System.Globalization;

namespace Qcow2Target.Iscsi.Login;

/// <summary>What a key is to the one who answers it.</summary>
internal enum KeyScope
{
    /// <summary>Agreed for this connection.</summary>
    Connection,

    /// <summary>Leading login only: Irrelevant later.</summary>
    LeadingOnly,

    /// <summary>Leading login of a normal session only: Irrelevant in discovery too.</summary>
    NormalSession,
}

/// <summary>A negotiable key: answers an offer, or null where there is nothing to answer. The answer may be Reject or Irrelevant.</summary>
internal sealed record NegotiableKey(string Name, KeyScope Scope, Func<string, LoginOffers, NegotiatedValues, string?> Answer)
{
    /// <summary>Answered after the keys on whose results the answer depends.</summary>
    public bool IsLate { get; init; }
}

/// <summary>Every key that a target negotiates (RFC 7143 13), in one table: type, range, and result function.</summary>
internal static class KeyTable
{
    public const string Reject = "Reject";
    public const string Irrelevant = "Irrelevant";
    public const string NotUnderstood = "NotUnderstood";

    private const string Yes = "Yes";
    private const string No = "No";
    private const int MinSegment = 512;
    private const int MaxSegment = 16777215;

    private static readonly Dictionary<string, NegotiableKey> Keys = new NegotiableKey[]
    {
        new("HeaderDigest", KeyScope.Connection, (offer, _, values) => Digest(offer, chosen => values.HeaderDigest = chosen)),
        new("DataDigest", KeyScope.Connection, (offer, _, values) => Digest(offer, chosen => values.DataDigest = chosen)),

        // Declared by each side for itself, not agreed: no answer to a good value.
        new("MaxRecvDataSegmentLength", KeyScope.Connection, (offer, _, values) =>
        {
            if (!TryNumber(offer, MinSegment, MaxSegment, out var declared)) return Reject;
            values.PeerMaxRecvDataSegmentLength = declared;
            return null;
        }),

        new("MaxConnections", KeyScope.NormalSession, (offer, _, _) => Minimum(offer, 1, 65535, 1, _ => { })),
        new("InitialR2T", KeyScope.NormalSession, (offer, _, values) => Boolean(offer, theirs => values.InitialR2T = theirs)),
        new("ImmediateData", KeyScope.NormalSession, (offer, _, values) => Boolean(offer, theirs => values.ImmediateData = theirs)),
        new("MaxBurstLength", KeyScope.NormalSession, (offer, ours, values)
            => Minimum(offer, MinSegment, MaxSegment, ours.MaxBurstLength, result => values.MaxBurstLength = result)),
        new("FirstBurstLength", KeyScope.NormalSession, (offer, ours, values) => values is { InitialR2T: true, ImmediateData: false }
            ? Irrelevant
            : Minimum(offer, MinSegment, MaxSegment, Math.Min(ours.FirstBurstLength, values.MaxBurstLength), result => values.FirstBurstLength = result))
        { IsLate = true },
        new("DefaultTime2Wait", KeyScope.LeadingOnly, (offer, _, values) => Number(offer, 0, 3600, theirs => values.DefaultTime2Wait = theirs)),
        new("DefaultTime2Retain", KeyScope.LeadingOnly, (offer, _, values) => Minimum(offer, 0, 3600, 0, result => values.DefaultTime2Retain = result)),
        new("MaxOutstandingR2T", KeyScope.NormalSession, (offer, ours, values)
            => Minimum(offer, 1, 65535, ours.MaxOutstandingR2T, result => values.MaxOutstandingR2T = result)),

        // OR, and our side is Yes.
        new("DataPDUInOrder", KeyScope.NormalSession, (offer, _, _) => offer is Yes or No ? Yes : Reject),
        new("DataSequenceInOrder", KeyScope.NormalSession, (offer, _, _) => offer is Yes or No ? Yes : Reject),
        new("ErrorRecoveryLevel", KeyScope.LeadingOnly, (offer, _, _) => Minimum(offer, 0, 2, 0, _ => { })),
        new("TaskReporting", KeyScope.LeadingOnly, (offer, _, _) => offer.Split(',').Contains("RFC3720") ? "RFC3720" : Reject),
        new("iSCSIProtocolLevel", KeyScope.LeadingOnly, (offer, _, _) => Minimum(offer, 0, 31, 1, _ => { })),

        // Obsolete (RFC 7143 13.25): AND with our No. Older initiators offer them and know no other answer.
        new("IFMarker", KeyScope.Connection, (offer, _, _) => offer is Yes or No ? No : Reject),
        new("OFMarker", KeyScope.Connection, (offer, _, _) => offer is Yes or No ? No : Reject),
        new("IFMarkInt", KeyScope.Connection, (_, _, _) => Reject),
        new("OFMarkInt", KeyScope.Connection, (_, _, _) => Reject),
        new("RDMAExtensions", KeyScope.LeadingOnly, (offer, _, _) => offer is Yes or No ? No : Reject),

        // Full-feature phase only (RFC 7143 13.4).
        new("SendTargets", KeyScope.Connection, (_, _, _) => Reject),
    }.ToDictionary(key => key.Name, StringComparer.Ordinal);

    public static NegotiableKey? Find(string name) => Keys.GetValueOrDefault(name);

    /// <summary>A number in decimal or 0x hex (RFC 7143 6.1) within its range.</summary>
    public static bool TryNumber(string text, int min, int max, out int value)
    {
        var isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        var parsed = isHex
            ? int.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value)
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
        return parsed && value >= min && value <= max;
    }

    private static string Minimum(string offer, int min, int max, int ours, Action<int> agree)
    {
        if (!TryNumber(offer, min, max, out var theirs)) return Reject;
        var result = Math.Min(theirs, ours);
        agree(result);
        return result.ToString(CultureInfo.InvariantCulture);
    }

    // A number for which ours is the lowest there is, and the greater one counts: theirs.
    private static string Number(string offer, int min, int max, Action<int> agree)
    {
        if (!TryNumber(offer, min, max, out var theirs)) return Reject;
        agree(theirs);
        return theirs.ToString(CultureInfo.InvariantCulture);
    }

    // InitialR2T is OR with our No, ImmediateData is AND with our Yes: theirs in both.
    private static string Boolean(string offer, Action<bool> agree)
    {
        if (offer is not (Yes or No)) return Reject;
        agree(offer == Yes);
        return offer;
    }

    private static string Digest(string offer, Action<DigestMethod> agree)
    {
        foreach (var method in offer.Split(','))
        {
            if (method is not ("None" or "CRC32C")) continue;
            agree(method == "CRC32C" ? DigestMethod.Crc32C : DigestMethod.None);
            return method;
        }

        return Reject;
    }
}

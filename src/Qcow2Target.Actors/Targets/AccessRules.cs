using System.Net;
using Qcow2Target.Iscsi.Chap;
using Qcow2Target.Iscsi.Login;

namespace Qcow2Target.Actors.Targets;

/// <summary>
/// Who may use a target: every condition that is set must hold, and an empty list sets none. Kept in the state file with its secrets; never
/// logged or shown whole.
/// </summary>
/// <param name="Chap">An initiator proves to be one of these.</param>
/// <param name="MutualChap">What the target proves to be to an initiator that asks for it; one at most.</param>
/// <param name="Initiators">Initiator names, without case; <c>*</c> stands for any characters.</param>
/// <param name="Networks">Addresses that connections come from, as CIDR blocks.</param>
public sealed record AccessRules(
    IReadOnlyList<ChapCredentials> Chap, IReadOnlyList<ChapCredentials> MutualChap, IReadOnlyList<string> Initiators, IReadOnlyList<string> Networks)
{
    /// <summary>No condition is set.</summary>
    public bool AreOpen => Chap.Count + Initiators.Count + Networks.Count == 0;

    public static AccessRules Everybody { get; } = new([], [], [], []);

    /// <summary>Why an initiator may not come in at this moment: the status of its login response and words for the log; null: it may.</summary>
    /// <param name="initiator">InitiatorName of the login.</param>
    /// <param name="address">Where its connection comes from.</param>
    /// <param name="chapUser">The user that it has proved to be; null: none.</param>
    public LoginRefused? FindRefusal(string initiator, IPAddress address, string? chapUser)
    {
        // By the rules of now: they may have changed since the proof.
        if (Chap.Count > 0 && Chap.All(user => user.Name != chapUser)) return Refusal(LoginStatus.AuthenticationFailure, "it has not proved to be a user of the target");
        if (!Lists(initiator)) return Refusal(LoginStatus.AuthorizationFailure, $"{initiator} is none of the target's initiators");
        return Reaches(address) ? null : Refusal(LoginStatus.AuthorizationFailure, $"{address} lies in none of the target's networks");
    }

    /// <summary>Whether discovery shows the target to this initiator. Many prove who they are at the target itself only, and none to discovery.</summary>
    /// <param name="initiator">InitiatorName of the login.</param>
    /// <param name="address">Where its connection comes from.</param>
    /// <param name="chapUser">The user that it has proved to be; null: none.</param>
    public bool IsShownTo(string initiator, IPAddress address, string? chapUser) =>
        Lists(initiator) && Reaches(address) && (chapUser is null || Chap.Count == 0 || Chap.Any(user => user.Name == chapUser));

    /// <summary>What contradicts itself in these rules, in words; null: nothing.</summary>
    public string? FindContradiction()
    {
        if (MutualChap.Count > 1) return "there is more than one mutual CHAP user";
        if (MutualChap.Count > 0 && Chap.Count == 0) return "mutual CHAP needs CHAP";
        // Who knew its own secret could pretend to be the target.
        return MutualChap.Any(ours => Chap.Any(theirs => theirs.Secret == ours.Secret)) ? "the secrets of both directions are the same" : null;
    }

    /// <summary>Sizes and names only.</summary>
    public override string ToString() => $"{Chap.Count} users, {Initiators.Count} initiators, {Networks.Count} networks";

    private bool Lists(string initiator) => Initiators.Count == 0 || Initiators.Any(pattern => Matches(pattern, initiator));

    private bool Reaches(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return Networks.Count == 0 || Networks.Any(network => IPNetwork.TryParse(network, out var block) && block.Contains(plain));
    }

    private static LoginRefused Refusal(LoginStatus status, string reason) => new((byte)((ushort)status >> 8), (byte)status, reason);

    // The pieces between the stars in their order; the first begins the name and the last ends it.
    private static bool Matches(string pattern, string name)
    {
        var pieces = pattern.Split('*');
        if (pieces.Length == 1) return IscsiName.Equal(pattern, name);
        if (!name.StartsWith(pieces[0], StringComparison.OrdinalIgnoreCase)) return false;
        var from = pieces[0].Length;
        foreach (var piece in pieces[1..^1])
        {
            var at = name.IndexOf(piece, from, StringComparison.OrdinalIgnoreCase);
            if (at < 0) return false;
            from = at + piece.Length;
        }
        return name.Length - from >= pieces[^1].Length && name.EndsWith(pieces[^1], StringComparison.OrdinalIgnoreCase);
    }
}

/// <summary>What is to change of a target's <see cref="AccessRules"/>: null keeps a condition, an empty list removes it.</summary>
public sealed record AccessChange(
    IReadOnlyList<ChapCredentials>? Chap, IReadOnlyList<ChapCredentials>? MutualChap, IReadOnlyList<string>? Initiators, IReadOnlyList<string>? Networks)
{
    public AccessRules ApplyTo(AccessRules rules) =>
        new(Chap ?? rules.Chap, MutualChap ?? rules.MutualChap, Initiators ?? rules.Initiators, Networks ?? rules.Networks);
}

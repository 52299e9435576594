using System.Net;
using System.Text;
using Qcow2Target.Control.Errors;

namespace Qcow2Target.Control.Requests;

/// <summary>
/// Who may use a target. All conditions that are set must hold. Each list: null where the request does not speak of it (ADDTARGET: no
/// condition; SETACCESS: it stays), empty to set none.
/// </summary>
/// <param name="Chap">An initiator proves to be one of these users.</param>
/// <param name="MutualChap">What the target proves to be to an initiator that asks; one at most.</param>
/// <param name="Initiators">Initiator names; <c>*</c> stands for any characters.</param>
/// <param name="Networks">CIDR blocks that connections come from.</param>
public sealed record AccessConditions(
    IReadOnlyList<ChapUser>? Chap = null,
    IReadOnlyList<ChapUser>? MutualChap = null,
    IReadOnlyList<string>? Initiators = null,
    IReadOnlyList<string>? Networks = null)
{
    private const int MinSecretBytes = 12, MaxSecretBytes = 255;

    /// <summary>What is wrong with a value; null: nothing that can be told without the target.</summary>
    public ControlError? FindFault()
    {
        foreach (var user in (Chap ?? []).Concat(MutualChap ?? []))
        {
            if (!IsText(user.Name, 1, ControlLimits.MaxNameBytes))
                return ControlErrors.InvalidAccess($"a CHAP name is text of 1 to {ControlLimits.MaxNameBytes} bytes");
            if (!IsText(user.Secret, MinSecretBytes, MaxSecretBytes))
                return ControlErrors.InvalidAccess($"the CHAP secret of {ControlErrors.Quote(user.Name)} is not text of {MinSecretBytes} to {MaxSecretBytes} bytes");
        }

        if (Chap?.GroupBy(user => user.Name).FirstOrDefault(same => same.Count() > 1) is { } twice)
            return ControlErrors.InvalidAccess($"the CHAP user {ControlErrors.Quote(twice.Key)} is named twice");
        if (MutualChap?.Count > 1)
            return ControlErrors.InvalidAccess("mutual_chap is one user");
        foreach (var name in Initiators ?? [])
        {
            if (!IsText(name, 1, ControlLimits.MaxNameBytes))
                return ControlErrors.InvalidAccess($"{ControlErrors.Quote(name)} is no initiator name");
        }

        foreach (var network in Networks ?? [])
        {
            if (!network.Contains('/') || !IPNetwork.TryParse(network, out _))
                return ControlErrors.InvalidAccess($"{ControlErrors.Quote(network)} is no network: write it as 192.0.2.0/24 or 2001:db8::/32");
        }

        return null;
    }

    /// <summary>These conditions, or null where there is none: the form of a request that does not speak of them.</summary>
    public AccessConditions? NullIfNothingIsSaid() => this == new AccessConditions() ? null : this;

    private static bool IsText(string text, int min, int max) => !text.Any(char.IsControl) && Encoding.UTF8.GetByteCount(text) is var bytes && bytes >= min && bytes <= max;
}

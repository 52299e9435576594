namespace Qcow2Target.Control.Replies;

/// <summary>Who may use a target, as LIST shows it with details: names, never secrets. An empty list is no condition and is not written.</summary>
/// <param name="Chap">Names of the CHAP users.</param>
/// <param name="MutualChap">Name that the target proves to be; none or one.</param>
/// <param name="Initiators">Names or patterns of initiators.</param>
/// <param name="Networks">CIDR blocks.</param>
public sealed record AccessListing(
    IReadOnlyList<string> Chap, IReadOnlyList<string> MutualChap, IReadOnlyList<string> Initiators, IReadOnlyList<string> Networks);

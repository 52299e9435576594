using System.Text;

namespace Qcow2Target.Actors.Targets;

/// <summary>An iSCSI target name: compared without case (RFC 7143 clause 4.2.7.2), shown as it was given.</summary>
public readonly struct TargetName : IEquatable<TargetName>
{
    private readonly string _key;

    /// <param name="shown">The name as its owner wrote it; already checked for its form.</param>
    public TargetName(string shown)
    {
        Shown = shown;
        _key = shown.Normalize(NormalizationForm.FormC).ToLowerInvariant();
    }

    /// <summary>The name as ADDTARGET gave it.</summary>
    public string Shown { get; }

    /// <summary>What names are compared by.</summary>
    public string Key => _key;

    public bool Equals(TargetName other) => string.Equals(_key, other._key, StringComparison.Ordinal);

    public override bool Equals(object? obj) => obj is TargetName other && Equals(other);

    public override int GetHashCode() => string.GetHashCode(_key, StringComparison.Ordinal);

    public override string ToString() => Shown;

    public static bool operator ==(TargetName left, TargetName right) => left.Equals(right);

    public static bool operator !=(TargetName left, TargetName right) => !left.Equals(right);
}
